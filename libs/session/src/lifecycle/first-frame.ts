// A session's first frame: what it is, which servers it has, and the message that it begins with, if there is one.
import { type EventOf, type SessionEvent, toExec, toLog } from '@reins/contracts'
import type { Decision } from '../deciding/decision.ts'

export function firstFrame(
  started: EventOf<'session.started'>,
  message?: EventOf<'message.received'>,
  declared: readonly SessionEvent[] = [],
  /** What the message asks for besides. */
  asked: readonly SessionEvent[] = [],
): Decision {
  const pool = started.data.pools.executor
  // Code that decides begins by itself.
  const begins = message !== undefined || declared.some(({ type }) => type === 'run.declared')
  return {
    events: [started, ...declared, ...(message ? [message, ...asked] : [])],
    to: begins ? toExec(pool) : toLog,
    status: 'idle',
    pool,
  }
}
