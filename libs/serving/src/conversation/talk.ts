// Talking to an agent over the gateway: what is asked for, and from where it is told. Each call throws ReinsError before anything is told.
//   TA1. Nothing is kept here: all that is known of a session comes from the gateway, by the caller's own token.
//   TA2. A message is sent to a session at rest only; where it is not, the caller learns why.
//   TA3. A message that comes again with the cursor of its own turn is not sent again: the turn is told on.
import {
  type AgentEvent,
  type Client,
  newProgress,
  type Progress,
  type Standing,
  standingAt,
  tokensFrom,
} from '@reins/client'
import {
  type AnswerElicitation,
  type DecideApproval,
  decodeCursor,
  isChild,
  ReinsError,
  rootOf,
  type SessionInfo,
  type ShownImage,
} from '@reins/contracts'

export interface TalkClient extends Pick<Client, 'approvals' | 'elicitations'> {
  readonly sessions: Pick<Client['sessions'], 'create' | 'send' | 'get' | 'state' | 'events' | 'follow' | 'tree'>
}

/** What is told, and from where. */
export interface Talk {
  readonly session: string
  /** It was made now: its id is told first. */
  readonly made: boolean
  readonly after: string
  readonly progress: Progress
  /** What has happened already up to here is history: what somebody was asked in it may be answered. Absent: nothing has. */
  readonly head?: Place
  /** All there is to tell: nothing is followed. */
  readonly only?: AgentEvent
}

export interface Place {
  readonly n: number
  readonly i: number
}

export interface Say {
  readonly agent: string
  readonly message: string
  readonly images?: readonly ShownImage[]
  readonly idempotencyKey?: string
}

/** Makes a session, with its first message. */
export async function beginTalk(client: TalkClient, { agent, message, ...write }: Say): Promise<Talk> {
  const { session, messageId, cursor } = await client.sessions.create({ agent, message }, write)
  return { session: session.id, made: true, after: cursor, progress: newProgress(session.id, 0, messageId) }
}

/** Makes a session, which waits for its first message. */
export async function openSession(client: TalkClient, agent: string): Promise<string> {
  const { session } = await client.sessions.create({ agent })
  return session.id
}

/** TA2. */
export async function sayMore(client: TalkClient, session: string, say: Say): Promise<Talk> {
  const info = await ofAgent(client, session, say.agent)
  if (info.status === 'ended') throw await endedError(client, info)
  // A request that is repeated with its key may find its own turn under way.
  const { idempotencyKey } = say
  // Between two turns it may be busy with itself: code that leads it comes to rest, or the conversation is summarised.
  const settles = info.status === 'running' && !standingAt(await client.sessions.state(session)).busy
  if (info.status !== 'idle' && !settles && idempotencyKey === undefined) throw busyError(info)
  const write = idempotencyKey === undefined ? {} : { idempotencyKey }
  const images = say.images === undefined || say.images.length === 0 ? {} : { images: [...say.images] }
  const message = { content: say.message, ...images, onBusy: settles ? ('queue' as const) : ('reject' as const) }
  const accepted = await client.sessions.send(session, message, write).catch(async (error: unknown) => {
    const code = error instanceof ReinsError ? error.code : undefined
    if (code !== 'session_busy' && code !== 'session_ended') throw error
    const now = await client.sessions.get(session)
    throw now.status === 'ended' ? await endedError(client, now) : now.status === 'idle' ? error : busyError(now)
  })
  const after = idempotencyKey === undefined && info.cursor !== undefined ? info.cursor : accepted.cursor
  const turns =
    after === info.cursor ? info.turns : standingAt(await client.sessions.state(session, after)).progress.turns
  return { session, made: false, after, progress: newProgress(session, turns, accepted.messageId) }
}

/** TA3. `message`: what the request says, if it says anything. */
export async function goOn(
  client: TalkClient,
  session: string,
  { agent, after, message, ...write }: { agent: string; after: string; message?: string; idempotencyKey?: string },
): Promise<Talk> {
  const info = await ofAgent(client, session, agent)
  const standing = standingAt(await client.sessions.state(session, after))
  if (message !== undefined && !(standing.busy && standing.message === message))
    return sayMore(client, session, { agent, message, ...write })
  if (!standing.busy && !(await hasNews(client, session, after))) return again(session, after, standing)
  return onwards(session, after, info, standing)
}

export const decide = async (
  client: TalkClient,
  session: string,
  {
    agent,
    call,
    decision,
    after,
  }: { agent: string; call: string; decision: DecideApproval; after: string | undefined },
): Promise<Talk> =>
  answered(client, session, { agent, after }, (whose) => client.approvals.decide(whose, call, decision), {
    code: 'approval_not_found',
    waits: (info) => info.waiting?.some((one) => one.for === 'approval' && one.call === call) ?? false,
  })

export const answer = async (
  client: TalkClient,
  session: string,
  {
    agent,
    elicitation,
    given,
    after,
  }: { agent: string; elicitation: string; given: AnswerElicitation; after: string | undefined },
): Promise<Talk> =>
  answered(client, session, { agent, after }, (whose) => client.elicitations.answer(whose, elicitation, given), {
    code: 'elicitation_not_found',
    waits: (info) => info.waiting?.some((one) => one.for === 'elicitation') ?? false,
  })

/** A session below may be the one that waits: it is looked for in the tree. */
async function answered(
  client: TalkClient,
  named: string,
  { agent, after }: { readonly agent: string; readonly after: string | undefined },
  act: (session: string) => Promise<unknown>,
  where: { readonly code: string; readonly waits: (info: SessionInfo) => boolean },
): Promise<Talk> {
  const session = rootOf(named)
  const info = await ofAgent(client, session, agent)
  const from = after ?? info.cursor
  if (from === undefined) throw new ReinsError('unavailable')
  const standing = standingAt(await client.sessions.state(session, from))
  await act(named).catch(async (error: unknown) => {
    if (!(error instanceof ReinsError) || error.code !== where.code || isChild(named)) throw error
    const { nodes } = await client.sessions.tree(session)
    const [child, ...others] = nodes.filter((node) => node.id !== session && where.waits(node))
    if (!child) throw error
    if (others.length === 0) return act(child.id)
    for (const one of [child, ...others])
      try {
        return await act(one.id)
      } catch (problem) {
        if (!(problem instanceof ReinsError) || problem.code !== where.code) throw problem
      }
    throw error
  })
  return onwards(session, from, await client.sessions.get(session), standing)
}

function onwards(session: string, after: string, info: SessionInfo, { progress }: Standing): Talk {
  const head = info.cursor === undefined ? undefined : decodeCursor(info.cursor)
  const within = decodeCursor(after)?.within
  const tokens = within && tokensFrom(within.call, within.attempt, within.block, within.offset)
  return {
    ...{ session, made: false, after, progress: tokens ? { ...progress, tokens } : progress },
    ...(head === undefined ? {} : { head: { n: head.n, i: head.i } }),
  }
}

/** Nothing came behind the end of a turn: what was told last is told again. */
function again(session: string, after: string, { progress, ended }: Standing): Talk {
  const { turns, text } = progress
  if (ended === undefined)
    throw new ReinsError('invalid_request', 'The session has no turn yet, so there is nothing to go on with.', {
      next: 'Send a message: {"message": "…"}.',
    })
  const only: AgentEvent =
    ended === 'completed'
      ? { kind: 'chat_response', content: text, turn: turns }
      : { kind: 'error', message: ended === 'failed' ? 'The turn failed.' : 'The turn was cancelled.' }
  return { session, made: false, after, progress, only }
}

const news = new Set(['message.received', 'turn.started', 'run.resumed', 'session.ended', 'session.quarantined'])

async function hasNews(client: TalkClient, session: string, after: string): Promise<boolean> {
  let from = after
  for (;;) {
    const { events, cursor, more } = await client.sessions.events(session, { after: from, limit: 200 })
    if (events.some(({ type }) => news.has(type))) return true
    if (!more) return false
    from = cursor
  }
}

async function ofAgent(client: TalkClient, session: string, agent: string): Promise<SessionInfo> {
  const info = await client.sessions.get(session)
  if (info.agent === agent) return info
  throw new ReinsError('session_not_found', `Session ${session} belongs to another agent than ${agent}.`, {
    next: `This process serves ${agent}. Ask a process that serves the other agent, or leave the session out to start a new one.`,
  })
}

function busyError({ id, status, waiting }: SessionInfo): ReinsError {
  const [first] = waiting ?? []
  const why =
    status === 'paused'
      ? { message: `Session ${id} is paused.`, next: `Let it go on: reins session resume ${id}` }
      : status === 'quarantined'
        ? { message: `Session ${id} is in quarantine.`, next: `Look at it, then: reins session release ${id}` }
        : first
          ? {
              message: `Session ${id} waits for a person: ${first.for} of ${first.name}.`,
              next:
                first.for === 'approval'
                  ? `Decide with POST /approval/${first.call}?session=${id}`
                  : `Answer with POST /elicitation/<elicitation_id>?session=${id}`,
            }
          : {
              message: `Session ${id} is busy: a turn is running.`,
              next: 'Wait for its answer, or go on with its stream: send the last id that you got as Last-Event-ID.',
            }
  return new ReinsError('session_busy', why.message, { details: { status }, next: why.next })
}

async function endedError(client: TalkClient, { id, agent, turns }: SessionInfo): Promise<ReinsError> {
  const { state } = await client.sessions.state(id)
  const reason = String(Object(Object(Object(state).mode)).reason ?? 'ended')
  return new ReinsError('session_ended', `Session ${id} has ended: ${reason}, after ${turns} turns.`, {
    details: { reason, turns },
    next: `An ended session cannot go on. Start a new one: leave ?session= out, or reins agent start ${agent}`,
  })
}
