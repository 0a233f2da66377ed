// Where a viewer's items go: a connection of one of the doors. Bounded by whoever writes (viewer.ts, reader-watch.ts).
import type { ReinsError } from '@reins/contracts'
import type { Batch } from './batch.ts'
import type { Ends } from './readers/send-queues.ts'

export interface Sink {
  write(batch: Batch): void
  /** Bytes of all batches that were written, as far as their texts go. */
  sent(): number
  /** Bytes that wait for the reader in this process; the system holds more. */
  buffered(): number
  /** Of its connection, while that is open. */
  readonly ends: Ends | undefined
  heartbeat(): void
  /** Says why, ends, and forgets what still waits after a moment. */
  fail(error: ReinsError): void
  end(): void
  readonly closed: boolean
  /** Called once, whoever closes it. */
  onClose(on: () => void): void
}
