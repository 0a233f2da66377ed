// The conversations of one provider as pieces, in each manner in which messages differ: pieces are kept, so each manner has its own.
import type { History } from '../history/history.ts'
import type { Difference, Manner } from './differences.ts'

export class Histories {
  readonly #made = new Map<string, History>()
  readonly #shows: readonly Difference[]
  readonly #make: (manner: Manner) => History

  /** `shows`: what of a manner shows in messages. */
  constructor(shows: readonly Difference[], make: (manner: Manner) => History) {
    this.#shows = shows
    this.#make = make
  }

  of(manner: Manner): History {
    const key = this.#shows.filter((name) => manner.has(name)).join(' ')
    const known = this.#made.get(key)
    if (known) return known
    const made = this.#make(manner)
    this.#made.set(key, made)
    return made
  }
}
