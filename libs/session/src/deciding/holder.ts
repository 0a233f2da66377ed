// What the holder of an exec trigger does with it: PROTOCOL 4's table, row by row, the first that fits. Pure: the executor's
// process and the simulator both follow these verdicts.
//   H1. A verdict is good only for a fold whose head is not older than the trigger.
//   H2. Who lost a call forgets the trigger: no ack, no nak, no working(). That is not a verdict but the answer to a refused append.
import { type Head, protocolVersion, type Status, toLog } from '@reins/contracts'
import { type Flight, flightOf } from '../model-call/flight.ts'
import { takeover } from '../model-call/takeover.ts'
import { type Plan, plan } from './plan.ts'
import type { Session } from '../session.ts'
import type { Effect } from '../slice.ts'
import { statusOf } from './status.ts'

export interface Holder {
  readonly instance: string
  /** epoch ms, for the frame */
  readonly at: number
  /** Whether this process runs the attempt now (its outcome is not known to be in). */
  runs(call: string, attempt: number): boolean
  /** Whether this process ever started it. */
  started(call: string, attempt: number): boolean
}

export type Verdict =
  /** `newer`: only a newer process may decide here. */
  | { readonly do: 'nak'; readonly why: 'newer' | 'elsewhere' }
  | { readonly do: 'ack' }
  /** Keep it, with working(), until the model call that this process runs ends. */
  | { readonly do: 'hold' }
  /** Ask the owner; running: nak with half of ack_wait. Gone: takeover(). */
  | { readonly do: 'ask'; readonly owner: string; readonly call: string; readonly attempt: number }
  /** The intent is in and it is mine, but it never started here: run it, same attempt. */
  | { readonly do: 'run'; readonly effect: Effect }
  | { readonly do: 'append'; readonly plan: Plan }
  /** The head's status is not what the fold says: append this, then look again. */
  | { readonly do: 'settle'; readonly plan: Plan }

/**
 * How long a trigger waits that only a newer process may act on. While processes are replaced one by one a newer one is there, and a
 * young trigger finds it soon; an old one has not found any, and asks seldom.
 */
export const newerDelayMs = (ageMs: number): number => Math.min(Math.max(ageMs, 250), 5_000)

export function verdict(session: Session, head: Head, holder: Holder): Verdict {
  if (session.beyond || head.needs > protocolVersion) return { do: 'nak', why: 'newer' }
  const flight = flightOf(session)
  const writer = { n: head.n + 1, at: holder.at, by: holder.instance }
  if (session.cancel) {
    const answer = plan(session, [], writer, true)
    if (answer) return { do: 'append', plan: answer }
  }
  if (session.mode.kind === 'paused' || session.mode.kind === 'quarantined') {
    // What a paused tree asks of the sessions below; nothing else is due.
    const spread = plan(session, [], writer, true)
    if (spread) return { do: 'append', plan: spread }
    if (flight === null) return rest(session, head, holder)
    // A paused session waits for the outcome of what was in flight, and for whoever says that it was lost.
    if (session.mode.kind === 'paused') return inFlight(session, head, flight, holder)
    return holder.runs(flight.call, flight.attempt) ? { do: 'hold' } : rest(session, head, holder)
  }
  if (session.mode.kind === 'ended' || !session.born) return rest(session, head, holder)
  if (flight) return inFlight(session, head, flight, holder)
  const next = plan(session, [], writer, true)
  return next ? { do: 'append', plan: next } : rest(session, head, holder)
}

function inFlight(session: Session, head: Head, flight: Flight, holder: Holder): Verdict {
  const { kind, call, attempt, by } = flight
  if (holder.runs(call, attempt)) return { do: 'hold' }
  if (by !== holder.instance) return { do: 'ask', owner: by, call, attempt }
  if (!holder.started(call, attempt)) return { do: 'run', effect: { kind, call, attempt } }
  const next = takeover(session, head, holder, { call, attempt })
  // Whatever forbids the takeover, a model call in flight is never acked away (I6).
  return next ? { do: 'append', plan: next } : { do: 'nak', why: 'elsewhere' }
}

/** Before an ack the head must show what the fold says (PROTOCOL 2). */
function rest(session: Session, head: Head, { at }: Holder): Verdict {
  if (head.seq === 0 || !session.born || head.status === statusOf(session)) return { do: 'ack' }
  const events = [{ type: 'session.settled', data: {} } as const]
  return { do: 'settle', plan: { events, to: toLog, effect: null, at, after: session } }
}

/**
 * The status that a frame shows (PROTOCOL 2): the holder of a trigger says what its fold says, everybody else copies the head's. That a
 * session is quarantined promises nobody anything, so whoever finds out says it. A fold that is incomplete (S5) says nothing.
 */
export const statusToShow = (next: Pick<Plan, 'after'>, head: Head, holdsTrigger: boolean): Status =>
  !next.after.beyond && (holdsTrigger || next.after.mode.kind === 'quarantined') ? statusOf(next.after) : head.status
