// What one running call takes of its process: a work slot at first, and a slot for calls that wait once it has taken long (R1 of
// running-tools.ts). Whoever makes it disposes of it.
import type { CallSlots, Slot } from '@reins/holder'

export interface WorkPlaceOptions {
  /** Of what works. Who begins has been let in already, so nobody waits for one here. */
  readonly work: Pick<CallSlots, 'force'>
  /** Of what has taken long. */
  readonly slots: Pick<CallSlots, 'take'>
  /** ms after which it counts as waiting, and after which it asks again where there was no slot for that. */
  readonly waitsAfterMs: number
}

export class WorkPlace implements Disposable {
  readonly #options: WorkPlaceOptions
  readonly #principal: string
  readonly #waits: () => void
  #timer: NodeJS.Timeout | undefined
  #working: Slot | null = null
  #waiting: Slot | null = null
  #parked = false

  /** `waits`: a work slot is free. */
  constructor(options: WorkPlaceOptions, principal: string, waits: () => void) {
    this.#options = options
    this.#principal = principal
    this.#waits = waits
    this.#begin()
  }

  #begin(): void {
    const { work, slots, waitsAfterMs } = this.#options
    this.#working = work.force(this.#principal)
    this.#timer = setInterval(() => {
      this.#waiting = slots.take(this.#principal)
      if (!this.#waiting) return
      clearInterval(this.#timer)
      this.#stopWorking()
    }, waitsAfterMs)
  }

  #stopWorking(): void {
    if (!this.#working) return
    this.#working[Symbol.dispose]()
    this.#working = null
    this.#waits()
  }

  /** It takes nothing until it is resumed. */
  park(): void {
    this[Symbol.dispose]()
    this.#parked = true
  }

  resume(): void {
    if (!this.#parked) return
    this.#parked = false
    this.#begin()
  }

  get works(): boolean {
    return this.#working !== null
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#waiting?.[Symbol.dispose]()
    this.#waiting = null
    this.#stopWorking()
  }
}
