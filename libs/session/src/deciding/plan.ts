// plan: the one frame that makes as much of what is due happen as fits into one.
//   D3. One frame has one address and begins at most one effect; what does not fit is due again after it.
//   D4. Whoever holds no exec trigger begins nothing: it records, and hands over (`mayBegin`).
import { type Address, type SessionEvent, toLog } from '@reins/contracts'
import { billed } from '../budget/billing.ts'
import { due } from './due.ts'
import { evolve } from '../folding/evolve.ts'
import type { Session } from '../session.ts'
import type { Effect, Origin } from '../slice.ts'

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

export const sameAddress = (a: Address, b: Address): boolean =>
  a.kind === b.kind && (a.kind === 'log' || (b.kind !== 'log' && a.pool === b.pool))

/**
 * The frame `n` that records `outcome` (none: []) and as much of what is then due as fits (D3). `writer`: the frame's number, its
 * writer, the time. null where there is nothing to write.
 */
export function plan(
  session: Session,
  outcome: readonly SessionEvent[],
  writer: Omit<Origin, 'role'>,
  mayBegin: boolean,
): Plan | null {
  return goneOn({ events: [], to: toLog, after: session }, outcome, writer, mayBegin)
}

/** A frame of which a part is known already, and what follows from it. */
export function goneOn(
  begun: Pick<Plan, 'events' | 'to' | 'after'>,
  outcome: readonly SessionEvent[],
  writer: Omit<Origin, 'role'>,
  mayBegin: boolean,
): Plan | null {
  const events: SessionEvent[] = [...begun.events]
  let { after, to } = begun
  const take = (more: readonly SessionEvent[]) => {
    for (const event of more) {
      const said = billed(after, event)
      events.push(said)
      after = evolve(after, said, { role: 'e', ...writer })
    }
  }
  take(outcome)
  let effect: Effect | null = null
  while (effect === null) {
    const next = due(after, writer.n, writer.at)
    if (!next) break
    if ((next.effect || next.needsTrigger) && !mayBegin) break
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
  return events.length === 0 ? null : { events, to, effect, at: writer.at, after }
}
