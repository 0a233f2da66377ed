// A timer that fired becomes an event of its session (PROTOCOL 9). Needs the journal alone.
//   T1. Memory does not fold: it copies the head's status and pool, so that the status stays the promise of who wrote it.
//   T2. What fires for nothing (no session, an ended one, a timer that was said to have fired) is done without a frame.
//   T3. A refused append is decided again on what stands there now; a timer that was appended is not appended twice in a row.
import { draftOn, type Frame, headOf, makeShortId, toExec } from '@reins/contracts'
import type { SessionLog } from '@reins/journal'
import type { Clock } from '@reins/service'

export interface FiredOptions {
  readonly sessions: SessionLog
  readonly clock: Clock
  /** This process's name in the frames' `by`. */
  readonly instance: string
}

export type Fired = 'appended' | 'nothing to do'

/** Resolves when the timer may be acked; rejects with BrokerUnavailable when `signal` aborts or the broker is away. */
export async function appendFired(
  { sessions, clock, instance }: FiredOptions,
  session: string,
  timer: string,
  signal?: AbortSignal,
): Promise<Fired> {
  let head = await sessions.head(session)
  for (;;) {
    if (head.seq === 0 || head.status === 'ended') return 'nothing to do' // T2
    const pool = head.pool === '' ? await lastPool(sessions, session) : head.pool
    if (pool === undefined) return 'nothing to do' // no valid frame: nobody is waiting
    const to = toExec(pool)
    const draft = draftOn(
      head,
      { frame: makeShortId(clock.random), by: instance, role: 'm' },
      { events: [{ type: 'timer.fired', data: { timer } }], to, status: head.status, pool, at: clock.now() }, // T1
    )
    const outcome = await sessions.append(session, draft, to, head.hash, signal)
    if (outcome.kind === 'appended') return 'appended'
    if (outcome.tail.some((frame) => saysFired(frame, timer))) return 'nothing to do' // T3
    const last = outcome.tail.at(-1)
    head = last ? headOf(last) : await sessions.head(session, { leader: true })
  }
}

const saysFired = (frame: Frame, timer: string): boolean =>
  frame.events.some((event) => event.type === 'timer.fired' && event.data.timer === timer)

/** For a session whose last frame is so broken that it does not say its pool. */
async function lastPool(sessions: SessionLog, session: string): Promise<string | undefined> {
  const frames = await sessions.read(session)
  return frames.findLast((frame) => frame.pool !== '')?.pool
}
