// What an errand appends in the session that it is for, decided on that session's fold; null: there it is done. The frame is addressed to
// that session's executors: it is their trigger. That an errand is done is believed of the leader's log only: a lagging copy may not
// have what the errand is about.
import { type EventData, type Parent, type SessionEvent, toExec } from '@reins/contracts'
import type { Decision } from '../decision.ts'
import type { Fold } from '../fold.ts'
import type { Session } from '../session.ts'
import type { Errand } from './errands.ts'

export type Creation = Extract<Errand, { kind: 'create-child' }>

/** At expected 0 or not at all: a child that is there already, cancelled or not, is done (I2). `above`: the session that delegates. */
export function createChild(
  { head }: Fold,
  { call, instruction }: Creation,
  started: EventData<'session.started'>,
  above: Session,
  declared: readonly SessionEvent[] = [],
): Decision | null {
  if (head.n > 0) return null
  const pool = started.pools.executor
  const events = childStart(started, declared, `m-${call}`, instruction)
  return { events, to: toExec(pool), status: 'idle', pool, trace: above.turn?.trace }
}

const childStart = (
  started: EventData<'session.started'>,
  declared: readonly SessionEvent[],
  message: string,
  instruction: string,
): readonly SessionEvent[] => [
  { type: 'session.started', data: started },
  ...declared,
  { type: 'message.received', data: { message, content: [{ type: 'text', text: instruction }], onBusy: 'queue' } },
]

/**
 * As the first frame of a child that nobody has made yet, it is that child's end. `pool`: whose executors the errand was addressed to.
 * `cancel`: the id of the cancel.
 */
export function cancelChild({ session, head }: Fold, pool: string, cancel: string): Decision | null {
  if (session.mode.kind === 'ended' || (session.cancel && session.cancel.kind !== 'interrupt')) return null
  if (head.n > 0 && !session.turn && session.inbox.length === 0) return null
  return {
    events: [{ type: 'cancel.requested', data: { cancel } }],
    to: toExec(head.pool || pool),
    status: head.n === 0 ? 'ended' : head.status,
    pool: head.pool || pool,
  }
}

/** `there`: the fold of the parent. */
export function settleParent({ session, head }: Fold, parent: Parent, child: Session): Decision | null {
  const settled = settlement(session, parent.call, child)
  return settled && { events: [settled], to: toExec(parent.pool), status: head.status, trace: session.turn?.trace }
}

/**
 * What a closed child has to say to its parent: null while it is not at its end, or where the parent does not wait for it.
 * `parent` and `child` are folded to their heads.
 */
export function settlement(parent: Session, call: string, child: Session): SessionEvent | null {
  const waiting = parent.turn?.calls.find((one) => one.call === call)
  if (waiting?.state.kind !== 'delegated' || waiting.state.child !== child.id) return null
  const atRest = !child.turn && child.inbox.length === 0
  if (!child.settled && (child.mode.kind === 'ended' || (child.born && atRest)))
    return {
      type: 'delegation.settled',
      data: { call, child: child.id, status: 'cancelled', output: 'It was cancelled before it began.' },
    }
  if (!child.settled || !atRest) return null
  const { status, output } = child.settled
  return { type: 'delegation.settled', data: { call, child: child.id, status, output } }
}
