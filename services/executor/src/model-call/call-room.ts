// The place of one session's actor among those that wait for a slot for a model call.
//   R1. At most one place, and at most one slot that was granted and is not used yet.
//   R2. A grant is an operation in the actor's line like any other: what is decided then may not need it, and `leave` frees it.
import type { CallSlots, Place, Queued, Slot } from '@reins/holder'

export class CallRoom {
  readonly #slots: CallSlots
  readonly #who: () => Omit<Queued, 'since'>
  readonly #granted: () => void
  #place: Place | null = null
  #slot: Slot | null = null

  constructor(slots: CallSlots, who: () => Omit<Queued, 'since'>, granted: () => void) {
    this.#slots = slots
    this.#who = who
    this.#granted = granted
  }

  get waits(): boolean {
    return this.#place !== null
  }

  /** null: there is none. With `wait` the actor waits from now on, and `granted` is called when it has one. */
  take(wait: boolean): Slot | null {
    const slot = this.#slot ?? (this.#place ? null : this.#slots.take(this.#who().principal))
    this.#slot = null
    if (slot || this.#place || !wait) return slot
    this.#place = this.#slots.wait(this.#who(), (granted) => {
      this.#place = null
      this.#slot = granted
      this.#granted()
    })
    return null
  }

  /** It does not want one any more. */
  leave(): void {
    this.#place?.leave()
    this.#place = null
    this.#slot?.[Symbol.dispose]()
    this.#slot = null
  }
}
