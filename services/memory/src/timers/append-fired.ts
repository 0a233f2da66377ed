// A timer that fired becomes an event of its session (PROTOCOL 9). What is appended is decided in libs/session (fired-timer.ts); here it
// is got in. Needs the journal alone. A refused append is decided again on what stands there now.
//   AF1. The session is read only where it is not sure that an executor armed the timer for a time that has come.
import { draftOn, headOf, makeShortId, ReinsError } from '@reins/contracts'
import type { SessionLog } from '@reins/journal'
import type { Clock } from '@reins/service'
import { earlyTimer, emptyFold, fireTimer, foldFrames, saysFired, timerAsked } from '@reins/session'

export interface FiredOptions {
  readonly sessions: SessionLog
  readonly clock: Clock
  /** This process's name in the frames' `by`. */
  readonly instance: string
}

export type Fired = 'appended' | 'nothing to do'

/** Resolves when the timer may be acked; rejects with BrokerUnavailable when `signal` aborts or the broker is away. */
export async function appendFired(
  options: FiredOptions,
  session: string,
  { timer: fired, sure = true }: { readonly timer: string; readonly sure?: boolean },
  signal?: AbortSignal,
): Promise<Fired> {
  const { sessions, clock, instance } = options
  const asked = sure ? 'due' : await askLog(options, session, fired) // AF1
  if (asked === 'closed') return 'nothing to do'
  const timer = asked === 'due' ? fired : earlyTimer(fired)
  let head = await sessions.head(session)
  for (;;) {
    const pool = head.seq > 0 && head.pool === '' ? await lastPool(sessions, session) : head.pool
    const decision = fireTimer(head, timer, pool)
    if (!decision) return 'nothing to do'
    const { to } = decision
    const draft = draftOn(
      head,
      { frame: makeShortId(clock.random), by: instance, role: 'm' },
      { ...decision, at: clock.now() },
    )
    const outcome = await sessions.append(session, draft, to, head.hash, signal)
    if (outcome.kind === 'appended') return 'appended'
    if (saysFired(outcome.tail, timer)) return 'nothing to do'
    const last = outcome.tail.at(-1)
    head = last ? headOf(last) : await sessions.head(session, { leader: true })
  }
}

/** AF1. What cannot be read any more waits for nothing. */
async function askLog({ sessions, clock }: FiredOptions, session: string, timer: string) {
  const frames = await sessions.read(session, { leader: true }).catch((error: unknown) => {
    if (error instanceof ReinsError && gone.includes(error.code)) return []
    throw error
  })
  return timerAsked(foldFrames(emptyFold(session), frames).session, timer, clock.now())
}

const gone: readonly string[] = ['session_erased', 'session_unreadable']

/** For a session whose last frame is so broken that it does not say its pool. */
async function lastPool(sessions: SessionLog, session: string): Promise<string | undefined> {
  const frames = await sessions.read(session)
  return frames.findLast((frame) => frame.pool !== '')?.pool
}
