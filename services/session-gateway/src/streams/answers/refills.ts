// Reading again what LIVE still keeps: when somebody joins, where characters are missing, after the connection was cut.
//   RF1. So many at once and no more, in order: after a cut every session that is watched here wants to read at the same time, and
//        what their answers bring must not have the connection cut again.
//   RF2. After a cut each begins at a moment of its own, so that the gateways do not all ask at once.

export interface RefillOptions {
  /** Readings at once. */
  readonly atOnce: number
  /** ms within which readings after a cut begin. */
  readonly spreadMs: number
  /** From 0 up to 1. */
  random(): number
}

export class Refills {
  readonly #options: RefillOptions
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(options: RefillOptions) {
    this.#options = options
  }

  /** When it is its turn (RF1). */
  async read<T>(read: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#options.atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running++
    try {
      return await read()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }

  /** Calls `begin` after a while (RF2), unless what it returns was called. */
  afterCut(begin: () => void): () => void {
    const timer = setTimeout(begin, this.#options.random() * this.#options.spreadMs)
    timer.unref()
    return () => clearTimeout(timer)
  }
}
