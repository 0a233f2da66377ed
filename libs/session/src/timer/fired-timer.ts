// What memory appends for a timer that has fired, decided from the head alone (PROTOCOL 9).
//   F1. The status is copied from the head: memory has not folded the session, and the status stays the promise of who wrote it.
//   F2. What fires for nothing (no session, an ended one, one that nobody serves) is done without a frame.
//   F3. A timer that the log says has fired since is not said to have fired twice in a row.
//   F4. Where nobody can say that a timer was armed so, the fold tells: one that is not open fires for nothing, and one whose time has not come
//       does not fire. What was armed in its place is gone by then, so memory wakes the session, and the executor arms it anew.
import { type Frame, type Head, toExec } from '@reins/contracts'
import type { Decision } from '../deciding/decision.ts'
import type { Session } from '../session.ts'

/** F4. Clocks of executors and of memory may be apart, where an older version has armed the timer. */
const apartMs = 1_000

/** `pool`: the head's, or the last that any frame said, where the head's is broken; undefined: none did. null: nothing to do (F2). */
export function fireTimer(head: Head, timer: string, pool: string | undefined): Decision | null {
  if (head.seq === 0 || head.status === 'ended' || !pool) return null
  return { events: [{ type: 'timer.fired', data: { timer } }], to: toExec(pool), status: head.status, pool }
}

/** F3: whether one of the frames on which an append was refused says so. */
export const saysFired = (frames: readonly Frame[], timer: string): boolean =>
  frames.some(({ events }) => events.some(({ type, data }) => type === 'timer.fired' && data.timer === timer))

/** F4. `now`: epoch ms. */
export function timerAsked(
  { timers }: Pick<Session, 'timers'>,
  timer: string,
  now: number,
): 'due' | 'early' | 'closed' {
  const open = timers.find((one) => one.timer === timer)
  if (!open) return 'closed'
  return open.at <= now + apartMs ? 'due' : 'early'
}

/** F4. What `fireTimer` is asked for then: it is the name of no timer that is open, so it wakes, and fires for nothing. */
export const earlyTimer = (timer: string): string => `${timer}-early`
