// What memory appends for a timer that has fired, decided from the head alone (PROTOCOL 9).
//   F1. The status is copied from the head: memory has not folded the session, and the status stays the promise of who wrote it.
//   F2. What fires for nothing (no session, an ended one, one that nobody serves) is done without a frame.
//   F3. A timer that the log says has fired since is not said to have fired twice in a row.
import { type Frame, type Head, toExec } from '@reins/contracts'
import type { Decision } from '../deciding/decision.ts'

/** `pool`: the head's, or the last that any frame said, where the head's is broken; undefined: none did. null: nothing to do (F2). */
export function fireTimer(head: Head, timer: string, pool: string | undefined): Decision | null {
  if (head.seq === 0 || head.status === 'ended' || !pool) return null
  return { events: [{ type: 'timer.fired', data: { timer } }], to: toExec(pool), status: head.status, pool }
}

/** F3: whether one of the frames on which an append was refused says so. */
export const saysFired = (frames: readonly Frame[], timer: string): boolean =>
  frames.some(({ events }) => events.some(({ type, data }) => type === 'timer.fired' && data.timer === timer))
