// What a tool gets from the runner that runs it.
import type { Locks } from './path-locks.ts'
import type { Sandbox, ShownFolder } from '../sandbox/sandbox.ts'
import type { SpoolPlace } from '../text/spool.ts'
import type { Guard } from '../workspace/guard.ts'

/** Of one tool in one agent definition. */
export interface ToolSettings {
  /** As the definition gives it; null where it gives none. The source of the built-in tools resolves it. */
  readonly workspace: string | null
  readonly timeoutMs: number
  readonly maxOutputChars: number
  /** RE2 patterns; a shell command in which one is found is refused. */
  readonly blocklist: readonly string[]
  /** The agent asks for the network in its shell; the sandbox knows whether the operator allows it. */
  readonly network: boolean
}

/** Keeps a whole output and gives its reference; `dropped` bytes of its end could not be kept. Called only where the outcome holds a part. Consumes the iterable to its end. */
export type KeepOutput = (output: AsyncIterable<Uint8Array> | Uint8Array) => Promise<KeptOutput>

export interface KeptOutput {
  /** undefined: there is no room for any of it. */
  readonly ref: string | undefined
  readonly dropped: number
}

/** Takes secrets out of a text that is going to be cut: of a half nobody knows later that it was one. */
export interface Mask {
  text(text: string): string
  stream(): { push(piece: string): string; end(): string }
}

/** A kept output of the same session; undefined: never kept, or no more. */
export type ReadKept = (
  ref: string,
) => Promise<{ readonly size: number; readonly bytes: AsyncIterable<Uint8Array> } | undefined>

export interface ToolContext {
  /** Absolute, exists. */
  readonly workspace: string
  readonly settings: ToolSettings
  readonly signal: AbortSignal
  /** The same for each attempt of one call; the shell has it as REINS_IDEMPOTENCY_KEY. */
  readonly idempotencyKey: string
  /** The call's span; the shell has it as TRACEPARENT. */
  readonly traceparent?: string
  readonly guard: Guard
  readonly sandbox: Sandbox
  /** What commands see besides, read-only: the folders of the agent's skills. */
  readonly shown?: readonly ShownFolder[]
  /** Output as it comes, for people who watch; not kept. */
  readonly progress: (text: string) => void
  readonly keep: KeepOutput
  /** Absent: nothing is masked. */
  readonly mask?: Mask
  /** Where a long output waits to be kept. Absent: in the temporary folder, as it is. */
  readonly spool?: SpoolPlace
  /** Shared by all calls of a runner. */
  readonly locks: Locks
}
