// What a client may cause in a session: start it, send into it, steer it. Every door calls this, and it appends as role `g`.
// What is appended is decided in libs/session; how it gets in, and that it gets in once, is the appender's and idempotency's.
import {
  type AgentEntry,
  type ControlAccepted,
  type CreatedSession,
  type CreateSession,
  decodeCursor,
  type EventOf,
  emptyHead,
  encodeCursor,
  type Frame,
  type Head,
  instanceSessionId,
  isSessionId,
  type MessageAccepted,
  makeShortId,
  makeUlid,
  type OnBusy,
  poolKey,
  ReinsError,
  type SendMessage,
  type SessionEvent,
  type SessionInfo,
  startCursor,
  type TurnResult,
  type VersionEntry,
} from '@reins/contracts'
import { type ControlVerb, type Decision, emptyInfo, firstFrame, foldInfo, placeMessage, steer } from '@reins/session'
import { type Appended, type Appender, type NothingToDo, notFound } from './appender.ts'
import type { Caller } from './caller.ts'
import type { Limits } from '../config.ts'
import { decisionOf } from './decisions.ts'
import { type Done, type Ids, type Keyed, once } from './idempotency.ts'
import { contentOf } from './message-content.ts'
import type { GatewayConfig } from '../ports.ts'
import { infoWithCursor } from './session-info.ts'
import { sessionStarted } from './session-start.ts'
import { type TurnWait, watchTurn } from './wait-for-turn.ts'

/** Who asks, and how. */
export interface Asking {
  readonly caller: Caller
  readonly keyed: Keyed | undefined
  readonly trace: string | undefined
  /** Wait for the turn, until `signal` aborts. */
  readonly wait: AbortSignal | undefined
}

export type WriteParts = Pick<
  GatewayConfig,
  'sessions' | 'feed' | 'work' | 'registry' | 'idempotency' | 'toolsOf' | 'clock' | 'log'
> & {
  readonly limits: Limits
  readonly appender: Appender
  /** Aborted when the gateway shuts down: nobody waits for a turn any more. */
  readonly stopping: AbortSignal
  info(session: string): Promise<SessionInfo>
}

export class SessionWrites {
  readonly #parts: WriteParts
  constructor(parts: WriteParts) {
    this.#parts = parts
  }

  /** 202 MessageAccepted, or with `wait` 200 TurnResult. */
  async send(session: string, message: SendMessage, asking: Asking): Promise<Done> {
    if (!isSessionId(session)) throw notFound(session)
    const content = contentOf(message.content, this.#parts.limits.maxMessageBytes)
    const ids = await this.#ids(session, asking)
    return this.#waiting(session, ids, asking, (watched) =>
      once(this.#parts.idempotency, this.#parts.log, asking.caller, asking.keyed, watched, async (noted, again) => {
        const event = received(noted, content, message.onBusy ?? 'queue')
        const appended = await this.#append(noted, again, asking, (head) =>
          decisionOf(placeMessage(existing(session, head), event)),
        )
        const body: MessageAccepted = { messageId: noted.subject, cursor: cursorBefore(session, appended) }
        return { status: 202, body }
      }),
    )
  }

  /** 201 CreatedSession, or 200 where the instance's session is there already; with `wait` the turn stands in it too. */
  async create(request: CreateSession, asking: Asking): Promise<Done> {
    const { agent, instance, session: name } = request
    if (name !== undefined && instance === undefined)
      throw new ReinsError('invalid_request', 'The body is not valid: session: needs instance beside it.')
    if (asking.wait && request.message === undefined)
      throw new ReinsError('invalid_request', 'wait=turn needs a message in the body: there is no turn without one.')
    const content =
      request.message === undefined ? undefined : contentOf(request.message, this.#parts.limits.maxMessageBytes)
    const { now, random } = this.#parts.clock
    const session =
      instance === undefined ? makeUlid(now(), random) : instanceSessionId(agent, instance, name ?? 'default')
    const known = instance === undefined ? emptyHead(session) : await this.#parts.appender.freshHead(session)
    const ids: Ids = { ...this.#newIds(), session, prev: known.seq }

    return this.#waiting(session, ids, asking, (watched) =>
      once(this.#parts.idempotency, this.#parts.log, asking.caller, asking.keyed, watched, async (noted, again) => {
        const first = known.n > 0 ? undefined : await this.#started(request)
        const message = content === undefined ? undefined : received(noted, content, 'queue')
        const begin = first && firstFrame(first, message)
        const appended = await this.#append(
          noted,
          again,
          asking,
          (head) => {
            if (head.n > 0) return message && decisionOf(placeMessage(head, message))
            if (!begin) throw notFound(noted.session)
            return begin
          },
          known,
        )
        const fresh = appended.kind === 'appended' && appended.before.n === 0
        const info =
          fresh && begin && !again
            ? this.#infoOf(noted, appended, asking, begin.events)
            : await this.#parts.info(noted.session)
        const body: CreatedSession = {
          session: info,
          ...(content === undefined ? {} : { messageId: noted.subject }),
          cursor: cursorBefore(noted.session, appended, info),
        }
        return { status: fresh ? 201 : 200, body }
      }),
    )
  }

  /** ControlAccepted: 202 where something was appended, 200 where the session is in that state already (W3). */
  async control(session: string, verb: ControlVerb, asking: Asking): Promise<Done> {
    if (!isSessionId(session)) throw notFound(session)
    const ids = await this.#ids(session, asking)
    return once(this.#parts.idempotency, this.#parts.log, asking.caller, asking.keyed, ids, async (noted, again) => {
      const outcome = await this.#append(noted, again, asking, (head) =>
        decisionOf(steer(verb, noted.subject, existing(session, head))),
      )
      const info = outcome.kind === 'nothing' ? await this.#parts.info(session) : undefined
      const body: ControlAccepted = {
        id: session,
        status: outcome.head.status,
        cursor: cursorBefore(session, outcome, info),
      }
      return { status: info ? 200 : 202, body }
    })
  }

  #newIds(): Pick<Ids, 'frame' | 'subject'> {
    const { random } = this.#parts.clock
    return { frame: makeShortId(random), subject: makeShortId(random) }
  }

  /** A keyed request, or one that waits, needs to know what its frame comes after; the others leave that to the append. */
  async #ids(session: string, asking: Asking): Promise<Ids> {
    const head = asking.keyed || asking.wait ? await this.#parts.appender.head(session) : undefined
    return { ...this.#newIds(), session, prev: head?.seq ?? 0 }
  }

  async #append(
    ids: Ids,
    again: boolean,
    { caller, trace, keyed }: Asking,
    decide: (head: Head) => Decision | undefined,
    head?: Head,
  ): Promise<Appended | NothingToDo> {
    return this.#parts.appender.append({
      session: ids.session,
      frame: ids.frame,
      by: caller.by,
      ...(trace === undefined ? {} : { trace }),
      ...(keyed || again ? { searchAfter: ids.prev } : {}),
      ...(head && !again ? { head } : {}),
      decide,
    })
  }

  /** Watches from before the append, so that the turn of a quick executor is not missed. */
  async #waiting(session: string, ids: Ids, asking: Asking, act: (ids: Ids) => Promise<Done>): Promise<Done> {
    const { wait } = asking
    if (!wait) return act(ids)
    let watch: TurnWait | undefined = watchTurn(this.#parts, session, ids.prev, ids.subject, asking.keyed === undefined)
    try {
      const done = await act(ids)
      const accepted = done.body as MessageAccepted & Partial<CreatedSession>
      if (accepted.messageId !== ids.subject || (accepted.session && accepted.session.id !== session)) {
        // A repeated request: its message is an earlier one, in whatever has been appended since.
        watch.close()
        watch = undefined
        const earlier = accepted.session?.id ?? session
        watch = watchTurn(this.#parts, earlier, seqBefore(accepted.cursor), accepted.messageId, false)
      }
      const result = await watch.ended(accepted, this.#parts.limits.turnWithinMs, wait)
      return accepted.session
        ? { status: done.status, body: { ...accepted, turn: result.turn, cursor: result.cursor } }
        : { status: 200, body: result satisfies TurnResult }
    } finally {
      watch?.close()
    }
  }

  async #started(request: CreateSession): Promise<EventOf<'session.started'>> {
    const { entry, version } = await this.#agent(request.agent)
    const { definition } = version
    const labels = definition.affinity ?? {}
    const event = sessionStarted({
      agent: entry.name,
      digest: version.digest,
      definition,
      tools: this.#parts.toolsOf(definition),
      ...(request.instance === undefined
        ? {}
        : { instance: { instance: request.instance, session: request.session ?? 'default' } }),
      ...(request.title === undefined ? {} : { title: request.title }),
    })
    const pool = poolKey(labels)
    await Promise.all([
      this.#parts.work.ensurePool('exec', pool, labels),
      this.#parts.work.ensurePool('tool', pool, labels),
    ])
    return event
  }

  async #agent(name: string): Promise<{ readonly entry: AgentEntry; readonly version: VersionEntry }> {
    const { registry } = this.#parts
    const entry = registry.agent(name) ?? (await registry.agentFresh(name))
    if (!entry || entry.deleted) throw new ReinsError('agent_not_found', `There is no agent ${name}.`)
    const version = await registry.version(entry.digest)
    if (!version) throw new ReinsError('unavailable', `The definition of ${name} (${entry.digest}) cannot be read now.`)
    return { entry, version }
  }

  #infoOf(ids: Ids, appended: Appended, asking: Asking, events: readonly SessionEvent[]): SessionInfo {
    const frame: Frame = {
      ...appended.head,
      ...{ id: ids.frame, prev: 0, at: this.#parts.clock.now(), by: asking.caller.by, role: 'g', events },
    }
    return infoWithCursor(ids.session, foldInfo(emptyInfo, frame))
  }
}

const received = (
  ids: Ids,
  content: EventOf<'message.received'>['data']['content'],
  onBusy: OnBusy,
): EventOf<'message.received'> => ({ type: 'message.received', data: { message: ids.subject, content, onBusy } })

function existing(session: string, head: Head): Head {
  if (head.n === 0) throw notFound(session)
  return head
}

/** Before the first event that the request caused; where it caused none, at the end. */
function cursorBefore(session: string, outcome: Appended | NothingToDo, info?: SessionInfo): string {
  if (outcome.kind === 'nothing') return info?.cursor ?? encodeCursor(startCursor(session))
  if (outcome.before.n === 0) return encodeCursor(startCursor(session))
  return encodeCursor({ of: session, tree: false, seq: outcome.head.seq, n: outcome.head.n, i: -1 })
}

/** From where reading shows all that comes after such a cursor. */
const seqBefore = (cursor: string): number => Math.max((decodeCursor(cursor)?.seq ?? 0) - 1, 0)
