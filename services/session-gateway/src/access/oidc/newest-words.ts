// What an identity provider said last of each person, as far as this gateway has seen: an older token of theirs is good until it expires, and
// gives no more than the newest one does.
//   NW1. Memory is bounded: who came least lately is forgotten, and an older token of theirs then gives what it says again.
interface Word {
  readonly at: number
  readonly roles: readonly string[]
}

const maxPeople = 10_000

export class NewestWords {
  readonly #words = new Map<string, Word>()

  /** `at`: epoch ms, when it was said. */
  heard(principal: string, at: number, roles: readonly string[]): void {
    const before = this.#words.get(principal)
    if (before && before.at >= at) return
    this.#words.delete(principal)
    this.#words.set(principal, { at, roles })
    const [oldest] = this.#words.keys()
    if (this.#words.size > maxPeople && oldest !== undefined) this.#words.delete(oldest) // NW1
  }

  /** What of these roles still counts: the same array while nothing changes. */
  leftOf(principal: string, at: number, roles: readonly string[]): () => readonly string[] {
    let by: Word | undefined
    let left = roles
    return () => {
      const newest = this.#words.get(principal)
      if (newest === by || newest === undefined || newest.at <= at) return left
      by = newest
      const kept = roles.filter((role) => newest.roles.includes(role))
      left = kept.length === left.length && kept.every((role, i) => role === left[i]) ? left : kept
      return left
    }
  }
}
