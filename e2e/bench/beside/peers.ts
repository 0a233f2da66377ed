// What is measured side by side: whoever takes a message, calls the model, runs the tool, calls the model again, and answers.
import type { Turning } from '../turns/load.ts'

export interface Peer extends Turning {
  readonly name: string
  /** Everything of it that runs. */
  pids(): readonly number[]
  /** Begins a turn of one call to a model that is held. It may settle when the turn is over, and rejects when it was not taken. */
  beginHeld(modelUrl: string, message: string): Promise<void>
  /** SIGKILL for everything, at once. Resolves when it is gone. */
  kill(): Promise<void>
  /** Everything again. Resolves when it takes requests. */
  startAgain(): Promise<void>
  close(): Promise<void>
}
