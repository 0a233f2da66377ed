// How a tool call ends. Inside this library a tool that cannot go on throws ToolFailure; the edge (run.ts) makes an outcome of it.

import type { ToolContent } from '@reins/contracts'
import type { VirtualEntry } from '../virtual/files.ts'

export type ToolErrorCode =
  | 'timeout'
  | 'cancelled'
  | 'refused'
  | 'invalid-arguments'
  | 'not-found'
  | 'workspace_not_found'
  | 'crashed'
  /** A command and all that it started held more memory than they may, and were killed. */
  | 'out-of-memory'
  /** Of a call that must not run twice: what ran it is gone, and nobody knows what it did. Recorded as tool-call.outcome-unknown. */
  | 'outcome-unknown'
  | 'failed'

export interface ToolOutcome {
  readonly status: 'ok' | 'error'
  /** What the model reads: JSON text, `{"status":"ok",…}` or `{"status":"error","error":…}`; never longer than max_output_chars. */
  readonly output: string
  /** All blocks of the result, in their order, where it has more than text and JSON; `output` is the same as text then. */
  readonly content?: readonly ToolContent[]
  readonly code?: ToolErrorCode
  /** Of the whole output, where `output` holds its head and tail only. */
  readonly ref?: string
  readonly truncated?: boolean
  /** All files of the sandbox in memory, where the call has left others than it began with. */
  readonly files?: readonly VirtualEntry[]
}

/** A failure that is the answer to the model: `message` says what happened and what to do, and names no path outside of the workspace. */
export class ToolFailure extends Error {
  readonly code: ToolErrorCode

  constructor(code: ToolErrorCode, message: string) {
    super(message)
    this.name = 'ToolFailure'
    this.code = code
  }
}

export function failed(failure: ToolFailure): ToolOutcome {
  const output = JSON.stringify({ status: 'error', error: failure.message.slice(0, 2_000) })
  return { status: 'error', output, code: failure.code }
}

export function succeeded(result: Readonly<Record<string, unknown>>): ToolOutcome {
  const output = JSON.stringify({ status: 'ok', ...result })
  return result.truncated === true ? { status: 'ok', output, truncated: true } : { status: 'ok', output }
}

/**
 * The longest prefix of a list whose result still fits `maxChars` as JSON. `result` is called with the prefix and is asked
 * a few times at most (each item is measured once).
 */
export function fitting<T>(
  items: readonly T[],
  maxChars: number,
  result: (items: readonly T[]) => Readonly<Record<string, unknown>>,
): ToolOutcome {
  let room = maxChars - JSON.stringify({ status: 'ok', ...result([]) }).length - 32
  let count = 0
  for (const item of items) {
    room -= JSON.stringify(item).length + 1
    if (room < 0) break
    count += 1
  }
  return succeeded(result(items.slice(0, count)))
}

/** Builds a result from a number of characters that its text may have; fewer are given until it fits, since JSON escapes grow. */
export function fittingText(maxChars: number, build: (chars: number) => ToolOutcome): ToolOutcome {
  let chars = maxChars
  let outcome = build(chars)
  for (let round = 0; round < 12 && outcome.output.length > maxChars; round += 1) {
    chars = Math.floor(
      Math.min(chars * 0.8, chars - (outcome.output.length - maxChars) * (chars / outcome.output.length)),
    )
    outcome = build(Math.max(0, chars))
  }
  return outcome
}

const reasons: Readonly<Record<string, readonly [ToolErrorCode, string]>> = {
  ENOENT: ['not-found', 'does not exist'],
  EACCES: ['failed', 'permission denied'],
  EPERM: ['failed', 'not permitted'],
  EISDIR: ['failed', 'is a directory'],
  ENOTDIR: ['failed', 'is not a directory'],
  EEXIST: ['failed', 'exists already'],
  ENOSPC: ['failed', 'the disk is full'],
  EDQUOT: ['failed', 'the disk quota is used up'],
  EROFS: ['failed', 'the file system is read-only'],
  ENAMETOOLONG: ['invalid-arguments', 'the name is too long'],
  EMFILE: ['failed', 'too many files are open in this process; try again'],
  ENFILE: ['failed', 'too many files are open on this machine; try again'],
  ELOOP: ['failed', 'changed while it was opened, or has too many symbolic links'],
  EBUSY: ['failed', 'is in use'],
  EIO: ['failed', 'the disk could not read or write it'],
  ETXTBSY: ['failed', 'is a program that runs'],
}

/** Whatever was thrown, as a failure. System errors are told by their code: their own message would show internal paths. */
export function asFailure(error: unknown, what: string): ToolFailure {
  if (error instanceof ToolFailure) return error
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const known = code === undefined ? undefined : reasons[code]
  if (known !== undefined) return new ToolFailure(known[0], `${what}: ${known[1]}`)
  return new ToolFailure('failed', `${what}: failed unexpectedly${code === undefined ? '' : ` (${code})`}`)
}
