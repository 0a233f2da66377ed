// A model call that is under way before its announcement is known to be in the log (PROTOCOL 4b).
//   EC1. Nobody hears anything that it says before `hear`: no delta, no outcome.
//   EC2. What is never heard is aborted by whoever made it, and what it said is dropped.
import type { Delta } from '@reins/contracts'
import type { CallOutcome } from './model-caller.ts'

export class EarlyCall {
  readonly #outcome: Promise<CallOutcome>
  #kept: Delta[] = []
  #hears: ((delta: Delta) => void) | undefined

  constructor(call: (onDelta: (delta: Delta) => void) => Promise<CallOutcome>) {
    this.#outcome = call((delta) => {
      if (this.#hears) this.#hears(delta)
      else this.#kept.push(delta)
    })
    // EC2: one that fails and is never heard.
    this.#outcome.catch(() => {})
  }

  /** What it has said so far, and what it says from now on. */
  hear(onDelta: (delta: Delta) => void): Promise<CallOutcome> {
    for (const delta of this.#kept) onDelta(delta)
    this.#kept = []
    this.#hears = onDelta
    return this.#outcome
  }

  /** Resolves when it has come to an end, whatever that is. */
  async ended(): Promise<void> {
    await this.#outcome.catch(() => {})
  }
}
