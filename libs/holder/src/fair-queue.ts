// Who waits, in the order in which they are served.
//   FQ1. Whoever waits is served in order of arrival within its group, the groups of a principal in turns, and the principals in turns:
//        neither an agent nor a person with a thousand sessions puts off another's one.

/** What is waited for, and for whom. */
export interface Turn {
  /** For whom it works; '': nobody knows, and all such are one. */
  readonly principal: string
  /** Who shares its turns among those of the principal: the agent. */
  readonly group: string
}

/** Who waits, by group, in the order in which the groups have their turns. */
type Groups<T> = Map<string, Set<T>>

export class FairQueue<T extends Turn> {
  /** By principal, in the order in which the principals have their turns. */
  readonly #queues = new Map<string, Groups<T>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  has(principal: string): boolean {
    return this.#queues.has(principal)
  }

  add(one: T): void {
    const { principal, group } = one
    const groups: Groups<T> = this.#queues.get(principal) ?? new Map()
    this.#queues.set(principal, groups.set(group, (groups.get(group) ?? new Set()).add(one)))
    this.#size++
  }

  /** false: it is not there any more. */
  remove(one: T): boolean {
    const groups = this.#queues.get(one.principal)
    const queue = groups?.get(one.group)
    if (!groups || !queue?.delete(one)) return false
    if (queue.size === 0) groups.delete(one.group)
    if (groups.size === 0) this.#queues.delete(one.principal)
    this.#size--
    return true
  }

  /** The first in turn whose principal may have one; it waits no more. */
  next(may: (principal: string) => boolean = () => true): T | undefined {
    for (const [principal, groups] of this.#queues) {
      if (!may(principal)) continue
      const first = groups.entries().next().value
      const [one] = first?.[1] ?? []
      if (!first || !one) return undefined
      const [group, queue] = first
      // FQ1: its group comes again after all others of its principal, and the principal after all others.
      groups.delete(group)
      queue.delete(one)
      if (queue.size > 0) groups.set(group, queue)
      this.#queues.delete(principal)
      if (groups.size > 0) this.#queues.set(principal, groups)
      this.#size--
      return one
    }
    return undefined
  }

  /** The first of one group, in order of arrival; it waits no more. */
  nextOf({ principal, group }: Turn): T | undefined {
    const [one] = this.#queues.get(principal)?.get(group) ?? []
    if (one) this.remove(one)
    return one
  }

  /** In the order of turns of their principals and groups, not of arrival. */
  all(): readonly T[] {
    return [...this.#queues.values()].flatMap((groups) => [...groups.values()].flatMap((queue) => [...queue]))
  }
}
