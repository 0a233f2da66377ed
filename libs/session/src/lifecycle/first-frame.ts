// A session's first frame: what it is, and the message that it begins with, if there is one.
import { type EventOf, toExec, toLog } from '@reins/contracts'
import type { Decision } from '../decision.ts'

export function firstFrame(started: EventOf<'session.started'>, message?: EventOf<'message.received'>): Decision {
  const pool = started.data.pools.executor
  return {
    events: message ? [started, message] : [started],
    to: message ? toExec(pool) : toLog,
    status: 'idle',
    pool,
  }
}
