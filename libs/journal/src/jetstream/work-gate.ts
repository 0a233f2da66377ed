// Between the streams of sessions and a process that takes so many triggers and no more. Each stream is asked for one at least, so more
// may come than there is room for.
//   WG1. What there is no room for waits a moment, in order, and then goes back to the broker, from where any process may get it.
//   WG2. The moment is shorter than ack_wait, so that nothing is delivered twice because it waited here.
import type { Trigger } from '../port.ts'

export interface GateOptions {
  /** How many more the process can take. */
  free(): number
  /** Must not throw. */
  on(trigger: Trigger): void
  /** ms (WG2) */
  readonly holdMs: number
}

export class WorkGate {
  readonly #options: GateOptions
  readonly #waiting = new Map<Trigger, NodeJS.Timeout>()
  #closed = false

  constructor(options: GateOptions) {
    this.#options = options
  }

  /** For how many more there is room, beside those that wait. */
  free(): number {
    this.serve()
    return this.#options.free() - this.#waiting.size
  }

  offer(trigger: Trigger): void {
    if (this.#closed) {
      trigger.nak(0)
      return
    }
    this.#waiting.set(
      trigger,
      setTimeout(() => this.#giveBack(trigger), this.#options.holdMs),
    )
    this.serve()
  }

  /** There may be room again. */
  serve(): void {
    for (const [trigger, timer] of this.#waiting) {
      if (this.#options.free() <= 0) return
      clearTimeout(timer)
      this.#waiting.delete(trigger)
      this.#options.on(trigger)
    }
  }

  #giveBack(trigger: Trigger): void {
    clearTimeout(this.#waiting.get(trigger))
    if (this.#waiting.delete(trigger)) trigger.nak(0)
  }

  /** Gives back what waits. */
  close(): void {
    this.#closed = true
    for (const trigger of [...this.#waiting.keys()]) this.#giveBack(trigger)
  }
}
