// Who waits until rows account for a sequence of the stream.

interface Waiter {
  readonly seq: number
  resolve(): void
}

export class SeqWaiters {
  readonly #waiting = new Set<Waiter>()
  /** Below all: until it is known what the rows account for, there may be no tables. */
  #seq = -1

  /** The rows account for `seq` now. It may be less than before: rows of another stream were thrown away. */
  reached(seq: number): void {
    this.#seq = seq
    for (const waiter of this.#waiting) if (waiter.seq <= seq) waiter.resolve()
  }

  /** Whether `seq` is reached within so many ms. */
  waitFor(seq: number, withinMs: number): Promise<boolean> {
    if (seq <= this.#seq) return Promise.resolve(true)
    return new Promise((resolve) => {
      const done = (reached: boolean) => {
        clearTimeout(timer)
        this.#waiting.delete(waiter)
        resolve(reached)
      }
      const waiter = { seq, resolve: () => done(true) }
      const timer = setTimeout(() => done(false), withinMs)
      this.#waiting.add(waiter)
    })
  }
}
