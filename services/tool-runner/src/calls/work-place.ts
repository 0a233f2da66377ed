// What one running call takes of its process: a work slot at first, and a slot for calls that wait once it has taken long (R1 of
// running-tools.ts). Whoever makes it disposes of it.
import type { CallSlots, Slot } from '@reins/holder'

export interface WorkPlaceOptions {
  readonly slots: Pick<CallSlots, 'take'>
  /** ms after which it counts as waiting, and after which it asks again where there was no slot for that. */
  readonly waitsAfterMs: number
}

export class WorkPlace implements Disposable {
  readonly #begin: () => NodeJS.Timeout
  #timer: NodeJS.Timeout | undefined
  #slot: Slot | null = null
  #parked = false

  constructor({ slots, waitsAfterMs }: WorkPlaceOptions, waits: () => void) {
    const take = () => {
      this.#slot = slots.take()
      if (!this.#slot) return
      clearInterval(this.#timer)
      waits()
    }
    this.#begin = () => setInterval(take, waitsAfterMs)
    this.#timer = this.#begin()
  }

  /** It takes nothing until it is resumed. */
  park(): void {
    this[Symbol.dispose]()
    this.#parked = true
  }

  resume(): void {
    if (!this.#parked) return
    this.#parked = false
    this.#timer = this.#begin()
  }

  get works(): boolean {
    return this.#slot === null && !this.#parked
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#slot?.[Symbol.dispose]()
    this.#slot = null
  }
}
