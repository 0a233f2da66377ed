// A few places for each name: whoever comes when all of its name are taken waits in order, and beyond so many is refused.
import { tooMany } from './attempts.ts'

interface Taken {
  count: number
  readonly waiting: (() => void)[]
}

/** For each place of a name, so many may wait. */
const waitingForEach = 50

export class PlacesOfEach {
  readonly #each: number
  readonly #taken = new Map<string, Taken>()

  constructor(each: number) {
    this.#each = each
  }

  /** Gives what leaves the place again; it counts once. Throws too_many_requests. */
  enter(name: string): (() => void) | Promise<() => void> {
    const taken = this.#taken.get(name) ?? { count: 0, waiting: [] }
    if (taken.count < this.#each) {
      taken.count += 1
      this.#taken.set(name, taken)
      return this.#leaving(name, taken)
    }
    if (taken.waiting.length >= this.#each * waitingForEach)
      throw tooMany(1, `${taken.waiting.length} requests of ${name} that read wait already.`)
    return new Promise((go) => taken.waiting.push(() => go(this.#leaving(name, taken))))
  }

  #leaving(name: string, taken: Taken): () => void {
    let left = false
    return () => {
      if (left) return
      left = true
      const next = taken.waiting.shift()
      if (next) return next()
      taken.count -= 1
      if (taken.count === 0) this.#taken.delete(name)
    }
  }
}
