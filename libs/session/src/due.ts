// due: what must happen next in a session. plan: the one frame that makes as much of it happen as fits into one.
//   D1. Pure, and the only source of effects. Ids come from the frame's number: `t7` and `c7` are the turn and the model call that frame 7 began.
//   D2. A cancel comes before everything else, also when the session is paused.
//   D3. One frame has one address and begins at most one effect; what does not fit is due again after it.
//   D4. Whoever holds no exec trigger begins nothing: it records, and hands over (plan's `mayBegin`).
import { type Address, type SessionEvent, toExec, toLog } from '@reins/contracts'
import { callsDue, limits, logged } from './due-calls.ts'
import { cancelDue } from './due-cancel.ts'
import { evolve } from './evolve.ts'
import type { Session, Turn } from './session.ts'

/** What the holder does once the frame is in. */
export interface Effect {
  readonly kind: 'call-model'
  readonly call: string
  readonly attempt: number
}

export interface Due {
  readonly events: readonly SessionEvent[]
  readonly to: Address
  readonly effect?: Effect
}

/** Lost attempts of one model call before the session is quarantined. */
export const maxLostAttempts = 5

/** null: nothing is due. `n`: the number of the frame that the answer will stand in. */
export function due(session: Session, n: number): Due | null {
  if (!session.born || session.mode.kind === 'ended') return null
  if (session.cancel) return cancelDue(session)
  if (session.mode.kind !== 'open') return null
  return session.turn ? turnDue(session, session.turn, n) : messageDue(session, n)
}

/** Between turns. The last turn that the limits allow ends the session, however that turn ended. */
function messageDue(session: Session, n: number): Due | null {
  const { maxTurns } = limits(session)
  if (maxTurns !== undefined && session.turns >= maxTurns) {
    const dropped = session.inbox.map(
      ({ message }): SessionEvent => ({ type: 'message.dropped', data: { message, reason: 'ended' } }),
    )
    return logged(...dropped, { type: 'session.ended', data: { reason: 'max_turns' } })
  }
  const next = session.inbox[0]
  if (!next) return null
  return logged({ type: 'turn.started', data: { turn: `t${n}`, messages: [next.message] } })
}

function turnDue(session: Session, turn: Turn, n: number): Due | null {
  const { model } = turn
  if (model) {
    switch (model.kind) {
      case 'running':
      case 'throttled':
        return null
      case 'failed':
        return endOf(session, { type: 'turn.failed', data: { turn: turn.id, usage: turn.usage, error: model.error } })
      case 'retry':
        return model.lost >= maxLostAttempts
          ? logged({
              type: 'session.quarantined',
              data: {
                reason: `model call ${model.call} was lost ${model.lost} times with the process that ran it`,
                frame: turn.n,
              },
            })
          : beginModelCall(session, turn, model.call, model.attempt + 1, model.final)
      default:
        return model satisfies never
    }
  }
  const waiting = turn.calls.filter(({ state }) => state.kind === 'due')
  if (waiting.length > 0) {
    const next = callsDue(session, turn, waiting)
    if (next) return next
  }
  if (turn.calls.some(({ state }) => state.kind !== 'done')) return null
  const joined = session.inbox.filter(({ onBusy }) => onBusy === 'join')
  if (turn.answered && turn.calls.length === 0 && (joined.length === 0 || turn.answered.final))
    return completion(session, turn)
  const begin = beginModelCall(
    session,
    turn,
    `c${n}`,
    1,
    turn.toolCalls >= limits(session).maxToolCalls && turn.toolCalls > 0,
  )
  return {
    ...begin,
    events: [
      ...joined.map(({ message }): SessionEvent => ({ type: 'message.joined', data: { message, turn: turn.id } })),
      ...begin.events,
    ],
  }
}

function beginModelCall(session: Session, turn: Turn, call: string, attempt: number, final: boolean): Due {
  const data = { call, attempt, turn: turn.id, model: session.born?.model ?? '', ...(final ? { final } : {}) }
  return { events: [{ type: 'model-call.started', data }], to: toLog, effect: { kind: 'call-model', call, attempt } }
}

function completion(session: Session, turn: Turn): Due {
  const answered = turn.answered ?? { call: '', finish: 'stop' as const, final: false }
  const reason = answered.final
    ? ('max-tool-calls' as const)
    : answered.finish === 'length' || answered.finish === 'refused'
      ? answered.finish
      : ('answered' as const)
  return endOf(session, {
    type: 'turn.completed',
    data: { turn: turn.id, call: answered.call, usage: turn.usage, reason },
  })
}

/** The end of a turn wakes the session above, if there is one. */
function endOf(session: Session, event: SessionEvent): Due {
  const parent = session.born?.parent
  return { events: [event], to: parent ? toExec(parent.pool) : toLog }
}

export interface Plan {
  readonly events: readonly SessionEvent[]
  readonly to: Address
  readonly effect: Effect | null
  /** epoch ms: the time that the events were folded with, and that their frame has to say. */
  readonly at: number
  /** The session with the events in it. */
  readonly after: Session
}

/** The trace that a frame belongs to: of the turn that it leaves open, else of the one that it ended. */
export const traceOf = (before: Session, after: Session): string | undefined => after.turn?.trace ?? before.turn?.trace

const sameAddress = (a: Address, b: Address): boolean =>
  a.kind === b.kind && (a.kind === 'log' || (b.kind !== 'log' && a.pool === b.pool))

/**
 * The frame `n` that records `outcome` (none: []) and as much of what is then due as fits (D3). `said`: the writer, the time.
 * null where there is nothing to write.
 */
export function plan(
  session: Session,
  outcome: readonly SessionEvent[],
  said: { readonly n: number; readonly at: number; readonly by: string },
  mayBegin: boolean,
): Plan | null {
  const events: SessionEvent[] = []
  let after = session
  let to: Address = toLog
  const take = (more: readonly SessionEvent[]) => {
    events.push(...more)
    for (const event of more) after = evolve(after, event, { role: 'e', ...said })
  }
  take(outcome)
  let effect: Effect | null = null
  while (effect === null) {
    const next = due(after, said.n)
    if (!next) break
    if (next.effect && !mayBegin) break
    if (!mayBegin && next.events.some(({ type }) => type === 'turn.started')) break
    if (next.to.kind !== 'log' && to.kind !== 'log' && !sameAddress(to, next.to)) break
    const before = after
    take(next.events)
    if (after === before) {
      // What is due and changes nothing would be due for ever.
      events.length -= next.events.length
      break
    }
    if (next.to.kind !== 'log') to = next.to
    effect = next.effect ?? null
  }
  return events.length === 0 ? null : { events, to, effect, at: said.at, after }
}
