// What a session's actor needs of its process; made once in service.ts.

import type { Presence } from '@reins/broker'
import type { SessionEvent } from '@reins/contracts'
import type { RegistryView, SessionFeed, SessionLog, Snapshots, Timers, WorkQueue } from '@reins/journal'
import type { Models } from '@reins/models'
import type { Clock, PausePoint } from '@reins/service'
import type { Session } from '@reins/session'
import type { Redactor } from '@reins/telemetry'
import type { Definitions } from './definitions.ts'
import type { ExecutorMetrics } from './executor-metrics.ts'
import type { RetryPolicy } from './retries.ts'
import type { SessionActor } from './session-actor.ts'

export interface ExecutorContext {
  /** Made new at each start. */
  readonly instance: string
  readonly sessions: SessionLog
  readonly feed: SessionFeed
  readonly timers: Timers
  readonly work: WorkQueue
  readonly snapshots: Snapshots
  readonly registry: Pick<RegistryView, 'version'>
  readonly definitions: Definitions
  readonly models: Models
  readonly clock: Clock
  readonly metrics: ExecutorMetrics
  readonly ackWaitMs: number
  /** A model call that runs longer than this is followed for what others append. */
  readonly followAfterMs: number
  readonly retries: RetryPolicy
  readonly redactor: Redactor
  /** Aborted when the process gives up what it could not finish. */
  readonly stopping: AbortSignal
  readonly pauseAt: PausePoint
  presence(): Presence
  servesPool(pool: string | undefined): boolean
  /** A read that is repeated until it is answered, or the process stops. */
  reading<T>(read: () => Promise<T>): Promise<T>
  /** Something that is no event went wrong. */
  report(session: string, error: unknown): void
  /** Told of what this process has appended: for metrics and spans, off the hot path. */
  appended(before: Session, events: readonly SessionEvent[]): void
  /** The actors that hold or do something: the slots that are taken. */
  readonly active: Set<SessionActor>
  /** A slot is free again. */
  idle(): void
}
