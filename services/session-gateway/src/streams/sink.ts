// Where a viewer's items go: a connection of one of the doors. Bounded by whoever writes (viewer.ts).
import type { ReinsError } from '@reins/contracts'
import type { Batch } from './batch.ts'

export interface Sink {
  write(batch: Batch): void
  /** Bytes that wait for the reader. */
  buffered(): number
  /** Resolves true when little waits, false when the sink was closed. */
  drained(): Promise<boolean>
  heartbeat(): void
  /** Says why, ends, and forgets what still waits after a moment. */
  fail(error: ReinsError): void
  end(): void
  readonly closed: boolean
  /** Called once, whoever closes it. */
  onClose(on: () => void): void
}
