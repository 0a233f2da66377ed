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

/** Rounds of the event loop in which nothing comes, until it is taken that nothing is there; and at most. */
const quietRounds = 3
const mostRounds = 200

/**
 * Before a timer decides: what has arrived is read. A process that was stopped for a while finds its timers over first, though what
 * they wait for came in time. Resolves when `over` holds, or nothing has come (`amount` stands still) for some rounds of the loop.
 */
export async function afterReading(over: () => boolean, amount: () => number = () => 0): Promise<void> {
  let before = amount()
  for (let round = 0, quiet = 0; round < mostRounds && quiet < quietRounds && !over(); round += 1) {
    await setImmediate()
    const now = amount()
    quiet = now === before ? quiet + 1 : 0
    before = now
  }
}
