// What is measured side by side: whoever takes a message, calls the model, runs the tool, calls the model again, and answers.
import type { Turning } from '../turns/load.ts'

export interface Peer extends Turning {
  readonly name: string
  /** Everything of it that runs. */
  pids(): readonly number[]
  /** Begins a turn of one call to a model that is held, and does not wait for it. */
  beginHeld(modelUrl: string): void
  /** SIGKILL for everything, at once; then everything is started again. Resolves when it takes requests. */
  killAndStart(): Promise<void>
  close(): Promise<void>
}
