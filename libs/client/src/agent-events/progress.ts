// A session as somebody sees it who talks to its agent: stream items in, events out. Pure, total.
//   PG1. What is told is one turn: the one that holds the awaited message, or the one that is open. What comes before it is only counted.
//   PG2. Each call that was told as begun is told as done, once; a call that never reached a runner is told as begun and done at once.
//   PG3. What waits for a person is kept in `asks`, until somebody has decided: whoever comes later is told too.
//   PG5. Where code decides for the session, what it says is told, not the ends of its turns: from when it is given the message. What it
//        asks a person before that, and that it failed, is told too: nothing else would follow.
//   PG4. An item of an unknown type changes nothing.
import type { EventData, SessionEvent, StreamItem } from '@reins/contracts'
import type { AgentEvent, ApprovalAsked, ElicitationAsked } from './agent-event.ts'
import { restarted, said, type Tokens } from './tokens.ts'

export type Ask = (ApprovalAsked & { readonly needs: number }) | (ElicitationAsked & { readonly call: string })

export interface AskedCall {
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
}

export interface Progress {
  readonly session: string
  /** Turns that have ended. */
  readonly turns: number
  /** PG1: the message whose turn is told. Absent: that of whoever is open. */
  readonly awaited?: string
  /** The turn that is told. */
  readonly turn?: string
  /** Of the latest answer of the model. */
  readonly text: string
  readonly tokens?: Tokens
  /** Of the latest answer. */
  readonly calls: ReadonlyMap<string, AskedCall>
  /** Told as begun, and not as done. */
  readonly begun: ReadonlySet<string>
  readonly asks: readonly Ask[]
  /** PG5: the code has been given the message. */
  readonly code?: true
  /** Sessions below work for it: they may wait for a person. */
  readonly below: ReadonlySet<string>
}

export interface Step {
  readonly progress: Progress
  readonly events: readonly AgentEvent[]
}

export const newProgress = (session: string, turns: number, awaited?: string): Progress => ({
  ...{ session, turns, text: '', calls: new Map(), begun: new Set(), asks: [], below: new Set() },
  ...(awaited === undefined ? {} : { awaited }),
})

/** The events that an ask is told as. */
export const askEvent = (ask: Ask): AgentEvent => {
  if (ask.kind === 'approval') {
    const { needs: _, ...event } = ask
    return event
  }
  const { call: _, ...event } = ask
  return event
}

export function step(progress: Progress, item: StreamItem): Step {
  if (item.type === 'delta') return onDelta(progress, item.data as Parameters<typeof said>[1] & { kind: string })
  if (item.type === 'answer.restarted') {
    const { call, attempt } = item.data as { call: string; attempt: number }
    return progress.turn === undefined
      ? same(progress)
      : same({ ...progress, tokens: restarted(progress.tokens, call, attempt) })
  }
  return onEvent(progress, item as unknown as SessionEvent)
}

const same = (progress: Progress): Step => ({ progress, events: [] })
const tell = (progress: Progress, ...events: readonly AgentEvent[]): Step => ({ progress, events })

function onDelta(progress: Progress, delta: Parameters<typeof said>[1] & { readonly kind: string }): Step {
  if (progress.turn === undefined || delta.kind !== 'text') return same(progress)
  const { tokens, fresh } = said(progress.tokens, delta)
  const next = { ...progress, tokens }
  return fresh === '' ? same(next) : tell(next, { kind: 'token', text: fresh })
}

function onEvent(progress: Progress, event: SessionEvent): Step {
  const { turns } = progress
  switch (event.type) {
    case 'session.ended': {
      const { reason: why } = event.data
      const reason = why === 'max_turns' || why === 'error' ? why : 'user_exit'
      return tell(progress, { kind: 'session_end', reason, turns })
    }
    case 'session.quarantined':
      return tell(progress, { kind: 'session_end', reason: 'error', turns })
    case 'session.paused':
      return tell(progress, failed(`The session is paused. Let it go on: reins session resume ${progress.session}`))
    case 'message.dropped':
      return event.data.message === progress.awaited && event.data.reason === 'cancelled'
        ? tell(progress, failed('The message was dropped before its turn began, because somebody cancelled.'))
        : same(progress)
    case 'message.joined':
      return event.data.message === progress.awaited ? same({ ...progress, turn: event.data.turn }) : same(progress)
    case 'turn.started': {
      const { awaited, code } = progress
      const ours = awaited === undefined || code === true || event.data.messages.includes(awaited)
      return ours ? same({ ...progress, turn: event.data.turn, text: '', calls: new Map() }) : same(progress)
    }
    case 'turn.completed':
    case 'turn.failed':
    case 'turn.cancelled':
      return onTurnEnd(progress, event)
    case 'run.resumed': {
      const ours = progress.awaited === undefined || event.data.message === progress.awaited
      return ours ? same({ ...progress, code: true }) : same(progress)
    }
    case 'run.paused':
      return progress.code || event.data.output.type === 'elicitation' ? ofCode(progress, event) : same(progress)
    case 'run.ended':
      return progress.code || event.data.status === 'failed' ? ofCode(progress, event) : same(progress)
    case 'timer.fired':
      return same(without(progress, (ask) => ask.kind === 'elicitation' && isTimerOf(ask, event.data.timer)))
    case 'elicitation.answered':
    case 'run.withdrawn': {
      const { call } = event.type === 'run.withdrawn' ? { call: runCall(event.data.position) } : event.data
      const rest = without(progress, (ask) => ask.kind === 'elicitation' && ask.call === call)
      return progress.turn === undefined ? same(rest) : inTurn(rest, event)
    }
    default:
      return progress.turn === undefined ? same(progress) : inTurn(progress, event)
  }
}

/** PG5. */
function ofCode(progress: Progress, event: Extract<SessionEvent, { type: 'run.paused' | 'run.ended' }>): Step {
  if (event.type === 'run.ended') {
    const { status, output, error } = event.data
    if (status === 'failed') {
      const where = error?.where === undefined ? '' : ` (${error.where})`
      const message = `The workflow failed${where}: ${error?.message ?? 'it did not say why.'}`
      return tell(progress, { kind: 'error', message, session: progress.session, status: 'ended' })
    }
    // The end of the session follows.
    if (typeof output !== 'string' || output === '') return same(progress)
    return tell(progress, { kind: 'chat_response', content: output, turn: Math.max(1, progress.turns) })
  }
  const { position, output } = event.data
  switch (output.type) {
    case 'chat_response':
      return tell(progress, { kind: 'chat_response', content: output.content ?? '', turn: Math.max(1, output.turn) })
    case 'elicitation':
      return same(withAsk(progress, codeAsks(position, output)))
    case 'session_end':
      return same(progress)
    default:
      return output satisfies never
  }
}

/** As `runMessage` of the contracts names it, which a browser does not load. */
const runCall = (position: number): string => `run-${position}`

/** As `questionTimer` of the contracts names it. */
const isTimerOf = ({ call }: { readonly call: string }, timer: string): boolean =>
  timer.startsWith('ask-') && call === `run-${timer.slice('ask-'.length)}`

/** A question of the code, as one of a server. */
export const codeAsks = (
  position: number,
  asked: Pick<ElicitationAsked, 'elicitation_id' | 'message' | 'server_name'> & { readonly url: string },
): Ask => {
  const { elicitation_id, url, message, server_name } = asked
  return { kind: 'elicitation', call: runCall(position), elicitation_id, url, message, server_name, mode: 'url' }
}

const failed = (message: string): AgentEvent => ({ kind: 'error', message })

function onTurnEnd(
  progress: Progress,
  event: Extract<SessionEvent, { type: 'turn.completed' | 'turn.failed' | 'turn.cancelled' }>,
): Step {
  const ours = event.data.turn === progress.turn
  const turns = progress.turns + 1
  const { turn: _, tokens: _tokens, ...rest } = progress
  if (!ours) return same({ ...progress, turns })
  const next: Progress = { ...rest, turns, calls: new Map(), begun: new Set(), asks: [], below: new Set() }
  if (progress.code) return same(next)
  switch (event.type) {
    case 'turn.completed':
      return tell(next, { kind: 'chat_response', content: progress.text, turn: turns })
    case 'turn.failed':
      return tell(next, failed(`The turn failed: ${event.data.error.message}`))
    case 'turn.cancelled':
      // The end of the session follows, and says it.
      if (event.data.reason === 'ended') return same(next)
      return tell(
        next,
        failed(
          event.data.reason === 'interrupted' ? 'The next message interrupted the turn.' : 'The turn was cancelled.',
        ),
      )
    default:
      return event satisfies never
  }
}

function inTurn(progress: Progress, event: SessionEvent): Step {
  switch (event.type) {
    case 'model-call.started':
      return same({ ...progress, tokens: restarted(progress.tokens, event.data.call, event.data.attempt) })
    case 'model-call.completed':
      return onAnswer(progress, event.data)
    case 'tool-calls.requested':
      return event.data.calls.reduce<Step>(({ progress, events }, { call, name, arguments: args }) => {
        const next = begin(progress, call, { name, args })
        return { progress: next.progress, events: [...events, ...next.events] }
      }, same(progress))
    case 'delegation.requested':
    case 'delegation.resumed': {
      const { call, agent, instruction } = event.data
      const { progress: next, events } = begin(
        progress,
        call,
        progress.calls.get(call) ?? delegated(agent, instruction),
      )
      return { progress: { ...next, below: new Set(next.below).add(call) }, events }
    }
    case 'delegation.settled': {
      const below = new Set(progress.below)
      below.delete(event.data.call)
      return done({ ...progress, below }, event.data.call, event.data.status === 'completed')
    }
    case 'delegation.paused': {
      const below = new Set(progress.below)
      below.delete(event.data.call)
      return done({ ...progress, below }, event.data.call, true)
    }
    case 'tool-call.completed':
      return done(progress, event.data.call, event.data.status === 'ok')
    case 'tool-call.cancelled':
    case 'tool-call.outcome-unknown':
      return done(progress, event.data.call, false)
    case 'approval.requested':
      return same(withAsk(progress, approvalOf(event.data)))
    case 'approval.decided':
      return same(decided(progress, event.data))
    case 'approval.granted':
    case 'approval.expired':
    case 'approval.withdrawn':
      return same(without(progress, (ask) => ask.kind === 'approval' && ask.call_id === event.data.call))
    case 'elicitation.requested':
      return same(withAsk(progress, elicitationOf(event.data)))
    case 'elicitation.answered':
    case 'elicitation.completed':
    case 'elicitation.remembered':
    case 'elicitation.expired':
    case 'elicitation.withdrawn':
      return same(
        without(progress, (ask) => ask.kind === 'elicitation' && ask.elicitation_id === event.data.elicitation),
      )
    default:
      return same(progress)
  }
}

const delegated = (agent: string, instruction: string): AskedCall => ({
  name: 'delegate',
  args: { agent, instruction },
})

/** TK3: a whole answer brings what its deltas did not. */
function onAnswer(progress: Progress, data: EventData<'model-call.completed'>): Step {
  const calls = new Map<string, AskedCall>()
  const events: AgentEvent[] = []
  let text = ''
  let { tokens } = progress
  for (const [block, content] of data.content.entries()) {
    if (content.type === 'tool-call') calls.set(content.call, { name: content.name, args: content.arguments })
    if (content.type !== 'text') continue
    text += content.text
    const known = tokens?.call === data.call ? (tokens.blocks.get(block)?.length ?? 0) : 0
    const rest = said(tokens, {
      ...{ call: data.call, attempt: data.attempt, block },
      ...{ offset: Math.min(known, content.text.length), text: content.text.slice(known) },
    })
    tokens = rest.tokens
    if (rest.fresh !== '') events.push({ kind: 'token', text: rest.fresh })
  }
  return { progress: { ...progress, text, calls, ...(tokens ? { tokens } : {}) }, events }
}

/** PG2. */
function begin(progress: Progress, call: string, { name, args }: AskedCall): Step {
  if (progress.begun.has(call)) return same(progress)
  const calls = new Map(progress.calls).set(call, { name, args })
  return tell({ ...progress, calls, begun: new Set(progress.begun).add(call) }, { kind: 'tool_start', name, args })
}

/** PG2. */
function done(progress: Progress, call: string, ok: boolean): Step {
  const asked = progress.calls.get(call)
  const rest = without(progress, (ask) => (ask.kind === 'approval' ? ask.call_id : ask.call) === call)
  if (!asked) return same(rest)
  const begun = new Set(rest.begun)
  const told = begun.delete(call)
  const calls = new Map(rest.calls)
  calls.delete(call)
  return tell({ ...rest, begun, calls }, ...(told ? [] : [{ kind: 'tool_start', ...asked } as const]), {
    kind: 'tool_done',
    name: asked.name,
    status: ok ? 'success' : 'error',
  })
}

const withAsk = (progress: Progress, ask: Ask): Progress => ({ ...progress, asks: [...progress.asks, ask] })

const without = (progress: Progress, gone: (ask: Ask) => boolean): Progress =>
  progress.asks.some(gone) ? { ...progress, asks: progress.asks.filter((ask) => !gone(ask)) } : progress

/** Where several people have to approve, it waits on for the others. */
function decided(progress: Progress, { call, verdict }: EventData<'approval.decided'>): Progress {
  const ofIt = (ask: Ask): boolean => ask.kind === 'approval' && ask.call_id === call
  if (verdict !== 'approved') return without(progress, ofIt)
  const asks = progress.asks.flatMap((ask) => {
    if (ask.kind !== 'approval' || ask.call_id !== call) return [ask]
    return ask.needs > 1 ? [{ ...ask, needs: ask.needs - 1 }] : []
  })
  return { ...progress, asks }
}

export function approvalOf(data: EventData<'approval.requested'>, session?: string): Ask {
  const { call, name, arguments: args, reason, expiresAt, quorum } = data
  return {
    ...{ kind: 'approval', call_id: call, name, args, needs: quorum ?? 1 },
    ...(reason === '' ? {} : { reason }),
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
    ...(session === undefined ? {} : { session }),
  }
}

export function elicitationOf(
  data: Pick<
    EventData<'elicitation.requested'>,
    'call' | 'elicitation' | 'server' | 'mode' | 'message' | 'url' | 'schema'
  >,
  session?: string,
): Ask {
  const { call, elicitation, server, mode, message, url, schema } = data
  return {
    ...{ kind: 'elicitation', call, elicitation_id: elicitation },
    ...(url === undefined ? {} : { url }),
    ...{ message, server_name: server, mode },
    ...(schema === undefined ? {} : { schema }),
    ...(session === undefined ? {} : { session }),
  }
}
