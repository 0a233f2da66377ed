// What a call of users' code may take, and a host.
import { runLimits } from '@reins/contracts'
import type { HostLimits, RunInput } from './messages.ts'

export const hostLimits: HostLimits = {
  /** What is kept of a call's output at most, as for the shell. */
  resultChars: 8 * 1024 * 1024,
  progressChars: 256 * 1024,
  logChars: 64 * 1024,
  printedChars: 16 * 1024 * 1024,
}

/** Of V8's heap. */
export const hostMemoryMb = 192
/** ms in which a bundle must have loaded. */
export const defaultLoadMs = 10_000

/** What a replay may take. */
export const replayLimits: RunInput['limits'] = {
  valueChars: runLimits.valueChars,
  stepMs: runLimits.stepMs,
  mostStepMs: runLimits.mostStepMs,
  sleepMs: runLimits.sleepMs,
  logLines: runLimits.logLines,
  logChars: runLimits.logChars,
}
