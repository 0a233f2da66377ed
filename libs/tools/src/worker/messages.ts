// What a worker and its pool say to each other. One call at a time.
import type { ToolSettings } from '../calls/context.ts'
import type { ToolOutcome } from '../calls/outcome.ts'
import type { VirtualEntry } from '../virtual/files.ts'
import type { Guard } from '../workspace/guard.ts'

/** All that a call needs and that can be sent. */
export interface WorkerCall {
  readonly name: string
  readonly arguments: unknown
  readonly workspace: string
  readonly settings: ToolSettings
  readonly idempotencyKey: string
  readonly guard: Guard
  /** Of the sandbox in memory, whose tools alone have this. */
  readonly files?: readonly VirtualEntry[]
}

export type ToWorker =
  /** The first thing that is said to a worker: where something masked has been moved to. */
  | { readonly kind: 'moved'; readonly paths: readonly string[] }
  | { readonly kind: 'run'; readonly call: WorkerCall }
  | { readonly kind: 'cancel' }
  /** The lock that was asked for is held. */
  | { readonly kind: 'locked' }

export type FromWorker =
  /** The first thing that a worker says: it can take a call. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly outcome: ToolOutcome }
  | { readonly kind: 'lock'; readonly key: string }
  | { readonly kind: 'unlock' }
