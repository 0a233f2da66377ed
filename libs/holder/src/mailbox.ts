// One line of operations, one at a time, in the order in which they came.

export interface Turns {
  /** An operation has ended well. */
  done(): void
  /** It threw; the next one waits for this too. */
  failed(error: unknown): Promise<void>
  /** After each operation, when it is out of the line. */
  left(): void
}

export class Mailbox {
  readonly #turns: Turns
  #line: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(turns: Turns) {
    this.#turns = turns
  }

  /** Nothing waits, and nothing runs. */
  empty(): boolean {
    return this.#waiting === 0
  }

  /** Resolves when the operation, and what `failed` makes of its failure, is over; with `rethrow` it settles as the operation does. */
  put(operation: () => Promise<void>, rethrow = false): Promise<void> {
    this.#waiting++
    const done = this.#line.then(operation)
    this.#line = done
      .then(
        () => this.#turns.done(),
        (error) => this.#turns.failed(error),
      )
      .then(() => {
        this.#waiting--
        this.#turns.left()
      })
    return rethrow ? done : this.#line
  }
}
