// What one running call takes of its process: a work slot at first, and a slot for calls that wait once it has taken long (R1 of
// running-tools.ts). Whoever makes it disposes of it.
import type { CallSlots, Slot } from '@reins/holder'

export interface WorkPlaceOptions {
  readonly slots: Pick<CallSlots, 'take'>
  /** ms after which it counts as waiting, and after which it asks again where there was no slot for that. */
  readonly waitsAfterMs: number
}

export class WorkPlace implements Disposable {
  #timer: NodeJS.Timeout | undefined
  #slot: Slot | null = null

  constructor({ slots, waitsAfterMs }: WorkPlaceOptions, waits: () => void) {
    this.#timer = setInterval(() => {
      this.#slot = slots.take()
      if (!this.#slot) return
      clearInterval(this.#timer)
      waits()
    }, waitsAfterMs)
  }

  get works(): boolean {
    return this.#slot === null
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#slot?.[Symbol.dispose]()
    this.#slot = null
  }
}
