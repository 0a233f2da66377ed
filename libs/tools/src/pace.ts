// Long work on the one thread: steps aside for others now and then, and stops when its call is over.
import { setImmediate } from 'node:timers/promises'

/** Milliseconds of work between two looks at the rest of the process. */
const sliceMs = 10

export class Pace {
  readonly #signal: AbortSignal
  #since = performance.now()

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** True when it is time to `await rest()`. Cheap enough for each line of a file. */
  get due(): boolean {
    return performance.now() - this.#since > sliceMs
  }

  /** Throws the signal's reason when the call is over. */
  async rest(): Promise<void> {
    await setImmediate()
    this.#signal.throwIfAborted()
    this.#since = performance.now()
  }
}
