// What a session's tools need of their process; made once in service.ts.
import type { Presence } from '@reins/broker'
import type { SessionFeed, SessionLog } from '@reins/journal'
import type { Clock, PausePoint } from '@reins/service'
import type { RunnerTools } from './call-runner.ts'
import type { SessionTools } from './session-tools.ts'

export interface RunnerContext {
  /** Made new at each start. */
  readonly instance: string
  readonly sessions: SessionLog
  readonly feed: SessionFeed
  readonly clock: Clock
  readonly tools: RunnerTools
  readonly ackWaitMs: number
  /** A trigger younger than this, delivered for the first time, is run without a read (PROTOCOL 5). ms */
  readonly freshMs: number
  readonly followAfterMs: number
  readonly stopping: AbortSignal
  readonly pauseAt: PausePoint
  presence(): Presence
  servesPool(pool: string): boolean
  reading<T>(read: () => Promise<T>): Promise<T>
  report(session: string, error: unknown): void
  finished(name: string, status: 'ok' | 'error', ms: number): void
  /** Calls that run here now. */
  readonly active: Set<string>
  /** A session has nothing to do here any more. */
  idle(tools: SessionTools): void
}
