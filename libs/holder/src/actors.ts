// The sessions' actors of one process, by session, most recently used last: that is the order in which they are evicted.
//   E1. An actor that holds or does something is never evicted, so the cache may be over its limit for a while.
//   E2. The limit is in bytes, as the actors count themselves: a thousand short sessions cost less than one that is long.
//   E3. An actor is weighed when it comes to rest; until then it has the weight that it had.

export interface Cacheable {
  readonly id: string
  /** Whether it holds or does anything. */
  busy(): boolean
  /** About how much it keeps in memory. */
  bytes(): number
  /** It makes room for others, and is disposed of at once: the time to keep what it knows. */
  evicted(): void
  dispose(): void
}

/** An evicted share of the limit, so that not each new actor evicts one. */
const keptShare = 0.9

export class Actors<A extends Cacheable> {
  readonly #make: (session: string) => A
  readonly #mostBytes: number
  readonly #actors = new Map<string, { readonly actor: A; bytes: number }>()
  #bytes = 0

  constructor(mostBytes: number, make: (session: string) => A) {
    this.#mostBytes = mostBytes
    this.#make = make
  }

  get size(): number {
    return this.#actors.size
  }

  get bytes(): number {
    return this.#bytes
  }

  known(session: string): A | undefined {
    return this.#actors.get(session)?.actor
  }

  /** The session's actor, made where there is none. */
  of(session: string): A {
    let entry = this.#actors.get(session)
    if (entry) this.#actors.delete(session)
    else entry = { actor: this.#make(session), bytes: 0 }
    this.#actors.set(session, entry)
    return entry.actor
  }

  /** The actor has come to rest (E3). */
  rested(actor: A): void {
    const entry = this.#actors.get(actor.id)
    if (entry?.actor !== actor) return
    const bytes = actor.bytes()
    this.#bytes += bytes - entry.bytes
    entry.bytes = bytes
    if (this.#bytes > this.#mostBytes) this.#evict()
  }

  #evict(): void {
    for (const [id, { actor, bytes }] of this.#actors) {
      if (this.#bytes <= this.#mostBytes * keptShare) return
      if (actor.busy()) continue
      actor.evicted()
      actor.dispose()
      this.#actors.delete(id)
      this.#bytes -= bytes
    }
  }

  dispose(): void {
    for (const { actor } of this.#actors.values()) actor.dispose()
    this.#actors.clear()
    this.#bytes = 0
  }
}
