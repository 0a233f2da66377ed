// One writer at a time on one path: an async mutex per key, fair, kept only while somebody holds or awaits it.

/** What a tool needs of it. */
export interface Locks {
  /** Runs `work` when all earlier holders of `key` are done. Rejects with the signal's reason if it aborts while waiting. */
  hold<T>(key: string, signal: AbortSignal, work: () => Promise<T> | T): Promise<T>
}

export class PathLocks implements Locks {
  readonly #tails = new Map<string, Promise<void>>()

  /** Keys that are held now. */
  get size(): number {
    return this.#tails.size
  }

  /** Runs `work` when all earlier holders of `key` are done. Rejects with the signal's reason if it aborts while waiting. */
  async hold<T>(key: string, signal: AbortSignal, work: () => Promise<T> | T): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve()
    const mine = Promise.withResolvers<void>()
    const tail = before.then(() => mine.promise)
    this.#tails.set(key, tail)
    try {
      await orAborted(before, signal)
      return await work()
    } finally {
      mine.resolve()
      void tail.then(() => {
        if (this.#tails.get(key) === tail) this.#tails.delete(key)
      })
    }
  }
}

async function orAborted(before: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([before, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
