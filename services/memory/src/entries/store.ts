// Where entries of long-term memory are kept: the port that each provider is an adapter of (one contract suite runs over all of them).
//   ES1. What `apply` has answered is there for every later question, also after the end of this process.
//   ES2. A change with an `op` that its scope has seen changes nothing, and is answered as at first.
//   ES3. Nothing that was stored is overwritten: forgetting is a record too, and `history` tells all of them.
//   ES4. An entry whose time is over counts as forgotten.
import type { MemoryAuthor, MemoryEntry, MemoryPage, MemoryRecord, MemoryScopes, MemorySearch } from '@reins/contracts'

interface Changed {
  readonly scope: string
  readonly op: string
  readonly by: MemoryAuthor
  /** epoch ms */
  readonly at: number
}
export type Change =
  | (Changed & {
      readonly kind: 'store'
      readonly key: string
      readonly value: unknown
      /** ms */
      readonly life?: number
      /** Only where this is the version of what is there; 0: only where nothing is. */
      readonly ifVersion?: number
    })
  | (Changed & { readonly kind: 'forget'; readonly key: string })
  | (Changed & { readonly kind: 'clear' })

export type Applied =
  | { readonly kind: 'recorded'; readonly record: MemoryRecord }
  /** There was nothing to forget. */
  | { readonly kind: 'nothing' }
  /** `ifVersion` did not fit; 0: nothing is there. */
  | { readonly kind: 'other-version'; readonly version: number }
  | { readonly kind: 'full'; readonly why: string }

export interface PageOf {
  readonly limit: number
  /** The last key, or scope, of the page before. */
  readonly after?: string | undefined
  /** Of scopes: these alone. */
  readonly only?: readonly string[] | undefined
}

/** Which value of an entry is meant: versions count on where an entry was forgotten, and begin again in a new place. */
export interface EntryVersion {
  readonly key: string
  readonly version: number
  /** epoch ms */
  readonly updatedAt: number
}

/** `now`: epoch ms. All reject where the place of the entries cannot be reached. */
export interface EntryStore {
  apply(change: Change): Promise<Applied>
  recall(scope: string, key: string, now: number): Promise<MemoryEntry | undefined>
  /** By key. */
  list(scope: string, page: PageOf & { readonly prefix?: string | undefined }, now: number): Promise<MemoryPage>
  /** Of all entries of a scope, without their values, in no order. */
  versions(scope: string, now: number): Promise<readonly EntryVersion[]>
  search(scope: string, query: string, limit: number, now: number): Promise<MemorySearch>
  /** The latest first. */
  history(scope: string, key: string, limit: number): Promise<readonly MemoryRecord[]>
  /** By name. */
  scopes(page: PageOf, now: number): Promise<MemoryScopes>
  close(): Promise<void>
}
