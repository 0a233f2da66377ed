// Search by meaning, over any provider of long-term memory: what words find and what vectors find, as one list.
//   MN1. It is a help and never a condition: where the model or the vectors are away, words are searched alone, and `how` says why.
//   MN2. A search waits at most `waitMs` for vectors. Those that are missing then are made afterwards, and `how` says how many there were.
//   MN3. An entry is sent to the model once for each of its versions.
//   MN4. A model that failed is left alone for `restMs`.
import { type MemoryEntry, type MemorySearch, ReinsError } from '@reins/contracts'
import type { Log } from '@reins/telemetry'
import { searchText } from '../relevance.ts'
import type { EntryStore, EntryVersion } from '../store.ts'
import { type Embedder, isRefusal, whyOf } from './embedder.ts'
import { fused, nearest } from './nearness.ts'
import type { NewVector, Vectors } from './vectors.ts'

export interface MeaningOptions {
  readonly embedder: Embedder
  readonly vectors: Vectors
  readonly now: () => number
  readonly log: Log
  readonly waitMs?: number
}

/** Texts in one request. */
const batch = 32
/** Characters of an entry that a model is sent: common models take 2,000 tokens. */
const sentChars = 4_000
const restMs = 10_000
const mostAnswerMs = 60_000
const mostFound = 200

interface Filling {
  readonly waiting: Map<string, EntryVersion>
  /** What the model has now. */
  readonly sent: Map<string, EntryVersion>
  running: Promise<void>
}

/** Whoever makes it closes it, before the stores that it searches. */
export class Meaning {
  readonly #options: MeaningOptions
  readonly #fillings = new Map<string, Filling>()
  /** Versions of entries that the model refuses. */
  readonly #refused = new Set<string>()
  readonly #stopping = new AbortController()
  #failed: { readonly why: string; readonly until: number } | undefined

  constructor(options: MeaningOptions) {
    this.#options = options
  }

  /** `place`: names the store. */
  over(store: EntryStore, place: string): EntryStore {
    return {
      apply: async (change) => {
        const applied = await store.apply(change)
        if (applied.kind !== 'recorded') return applied
        const { record } = applied
        if (record.kind === 'stored') void this.#fill(store, place, record.scope, [{ ...record, updatedAt: record.at }])
        else void this.#options.vectors.forget(place, record.scope, 'key' in record ? record.key : undefined)
        return applied
      },
      recall: store.recall,
      list: store.list,
      versions: store.versions,
      search: (scope, query, limit, now) => this.#search(store, place, { scope, query, limit, now }),
      history: store.history,
      scopes: store.scopes,
      close: store.close,
    }
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await Promise.all([...this.#fillings.values()].map(({ running }) => running))
  }

  async #search(
    store: EntryStore,
    place: string,
    asked: { readonly scope: string; readonly query: string; readonly limit: number; readonly now: number },
  ): Promise<MemorySearch> {
    const { scope, query, limit, now } = asked
    const most = Math.min(limit * 4, mostFound)
    const [byWords, byMeaning] = await Promise.all([
      store.search(scope, query, Math.max(most, limit), now),
      this.#near(store, place, { ...asked, most }),
    ])
    if (byMeaning.kind === 'none')
      return { found: byWords.found.slice(0, limit), how: `${byWords.how}; not meaning: ${byMeaning.why}` } // MN1
    const worded = byWords.found.map(({ entry }) => entry)
    return {
      found: fused([worded, byMeaning.entries], limit),
      how: `${byWords.how.replace(' and ', ', ')} and meaning${byMeaning.of}`,
    }
  }

  async #near(
    store: EntryStore,
    place: string,
    {
      scope,
      query,
      now,
      most,
    }: { readonly scope: string; readonly query: string; readonly now: number; readonly most: number },
  ): Promise<
    | { readonly kind: 'found'; readonly entries: readonly MemoryEntry[]; readonly of: string }
    | { readonly kind: 'none'; readonly why: string }
  > {
    const { embedder, vectors, waitMs = 3_000 } = this.#options
    const resting = this.#resting()
    if (resting !== undefined) return { kind: 'none', why: resting }
    try {
      const deadline = AbortSignal.any([AbortSignal.timeout(waitMs), this.#stopping.signal])
      const asking = embedder.embed([query], deadline)
      asking.catch(() => undefined)
      const versions = await store.versions(scope, now)
      let there = await vectors.of(place, scope, versions)
      const missing = versions.filter((one) => !there.has(one.key) && !this.#refused.has(nameOf(place, scope, one)))
      if (missing.length > 0) {
        await within(this.#fill(store, place, scope, missing), deadline) // MN2
        there = await vectors.of(place, scope, versions)
      }
      const [vector] = await asking
      if (!vector) return { kind: 'none', why: `${embedder.model} gave no vector` }
      const near = nearest(there, vector, { least: embedder.least, most })
      const entries = await Promise.all(near.map(({ key }) => store.recall(scope, key, now)))
      const of = there.size < versions.length ? ` (of ${there.size} of ${versions.length} entries)` : ''
      return { kind: 'found', entries: entries.flatMap((entry) => entry ?? []), of }
    } catch (error) {
      // Of the store, which the search by words tells.
      if (error instanceof ReinsError) return { kind: 'none', why: error.message }
      return { kind: 'none', why: this.#resting() ?? this.#fails(error) }
    }
  }

  /** Resolves when the vectors are made, or cannot be. */
  #fill(store: EntryStore, place: string, scope: string, missing: readonly EntryVersion[]): Promise<void> {
    const id = `${place}\n${scope}`
    const known = this.#fillings.get(id)
    const filling: Filling = known ?? { waiting: new Map(), sent: new Map(), running: Promise.resolve() }
    for (const one of missing) if (!isSame(filling.sent.get(one.key), one)) filling.waiting.set(one.key, one) // MN3
    if (known) return known.running
    this.#fillings.set(id, filling)
    filling.running = this.#drain(store, place, scope, filling)
      .catch((error: unknown) => void this.#fails(error))
      .finally(() => this.#fillings.delete(id))
    return filling.running
  }

  async #drain(store: EntryStore, place: string, scope: string, { waiting, sent }: Filling): Promise<void> {
    while (waiting.size > 0 && !this.#stopping.signal.aborted && this.#resting() === undefined) {
      const some = [...waiting.values()].slice(0, batch)
      sent.clear()
      for (const one of some) {
        waiting.delete(one.key)
        sent.set(one.key, one)
      }
      const now = this.#options.now()
      const entries = await Promise.all(some.map(({ key }) => store.recall(scope, key, now)))
      const present = entries.flatMap((entry) => entry ?? [])
      if (present.length > 0) await this.#make(place, scope, present)
    }
  }

  async #make(place: string, scope: string, entries: readonly MemoryEntry[]): Promise<void> {
    const { embedder, vectors } = this.#options
    const texts = entries.map(({ key, value }) => searchText(key, value).slice(0, sentChars).toWellFormed())
    try {
      const made = await embedder.embed(
        texts,
        AbortSignal.any([AbortSignal.timeout(mostAnswerMs), this.#stopping.signal]),
      )
      const kept = entries.flatMap(({ key, version, updatedAt }, at): readonly NewVector[] => {
        const vector = made[at]
        return vector ? [{ key, version, updatedAt, vector }] : []
      })
      await vectors.keep(place, scope, kept)
    } catch (error) {
      if (!isRefusal(error)) throw error
      const [first] = entries
      if (entries.length > 1) for (const entry of entries) await this.#make(place, scope, [entry])
      else if (first) this.#refused.add(nameOf(place, scope, first))
      if (this.#refused.size > 10_000) this.#refused.clear()
    }
  }

  /** MN4. */
  #resting(): string | undefined {
    return this.#failed && this.#failed.until > this.#options.now() ? this.#failed.why : undefined
  }

  #fails(error: unknown): string {
    const why = whyOf(error)
    if (this.#stopping.signal.aborted) return why
    this.#failed = { why, until: this.#options.now() + restMs }
    this.#options.log.warn(
      { model: this.#options.embedder.model, why },
      'memory is searched by words alone for a while',
    )
    return why
  }
}

const isSame = (one: EntryVersion | undefined, other: EntryVersion): boolean =>
  one?.version === other.version && one.updatedAt === other.updatedAt

const nameOf = (place: string, scope: string, { key, version, updatedAt }: EntryVersion): string =>
  JSON.stringify([place, scope, key, version, updatedAt])

function within(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return Promise.race([
    work,
    new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    }),
  ])
}
