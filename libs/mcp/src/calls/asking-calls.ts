// In which of the calls that run over one connection a server asks a person. Calls of several sessions share a connection.
//   AC1. A call asks one thing at a time.
//   AC2. Over HTTP the stream says in which call it asks. Where nothing says it, a question waits until there are no more calls that may
//        have asked than questions: a call that asks does not end before it has its answer, and the others do. Then they are taken in
//        their order. All of them are of one person.
//   AC3. So many questions wait, and no more: a server may ask without end. A further one is asked in no call.

/** AC3. */
const mostWaiting = 100

interface Waiting<Call> {
  take(call: Call | undefined): void
}

export class AskingCalls<Call> {
  /** In the order in which they began. */
  readonly #running = new Set<Call>()
  readonly #asking = new Set<Call>()
  #waiting: readonly Waiting<Call>[] = []

  begin(call: Call): void {
    this.#running.add(call)
  }

  end(call: Call): void {
    this.#running.delete(call)
    this.#asking.delete(call)
    this.#settle()
  }

  /**
   * The call in which it is asked, which asks until `answered`; undefined: none. `named`: what the stream says. Rejects with the
   * reason of `signal`.
   */
  asks(named: Call | undefined, signal: AbortSignal): Promise<Call | undefined> {
    if (named !== undefined && this.#running.has(named)) {
      if (this.#asking.has(named)) return Promise.resolve(undefined) // AC1
      this.#asking.add(named)
      return Promise.resolve(named)
    }
    if (this.#waiting.length >= mostWaiting) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      const waiting: Waiting<Call> = { take: resolve }
      const stop = () => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting)
        reject(signal.reason)
      }
      if (signal.aborted) return stop()
      signal.addEventListener('abort', stop, { once: true })
      this.#waiting = [...this.#waiting, waiting]
      this.#settle()
    })
  }

  answered(call: Call): void {
    this.#asking.delete(call)
  }

  /** AC2. */
  #settle(): void {
    const free = [...this.#running].filter((call) => !this.#asking.has(call))
    if (this.#waiting.length === 0 || free.length > this.#waiting.length) return
    const settled = this.#waiting
    this.#waiting = []
    for (const [at, { take }] of settled.entries()) {
      const call = free[at]
      if (call !== undefined) this.#asking.add(call)
      take(call)
    }
  }
}
