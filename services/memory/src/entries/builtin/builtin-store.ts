// The built-in provider: the stream MEM is what is remembered, and Postgres holds an index of it for lists and search.
//   BS1. Storing, recalling one key, forgetting one key and the history need the stream alone: they work while Postgres is away.
//   BS2. A list or a search waits until the index has what was in the stream when it was asked: whoever stored something finds it.
//   BS3. The limits of a scope are counted in the index. While Postgres is away they are not kept.
import { setTimeout as pause } from 'node:timers/promises'
import { ReinsError } from '@reins/contracts'
import { isAway } from '@reins/projection'
import { changed, isThere, type Usage } from '../changes.ts'
import type { Db } from '../postgres/entry-rows.ts'
import type { Applied, Change, EntryStore } from '../store.ts'
import { indexedRows, type MemoryIndex } from './memory-index.ts'
import type { MemoryLog } from './memory-log.ts'

export interface BuiltinOptions {
  readonly log: MemoryLog
  /** undefined: no database is configured. */
  readonly index: { readonly rows: MemoryIndex; readonly db: Db } | undefined
  /** Why nothing may be written now; undefined: it may. */
  readonly full: () => ReinsError | undefined
}

const caughtUpMs = 4000
const countMs = 1000
const attempts = 50

/** Whoever made what it is given closes that. */
export function builtinStore({ log, index, full }: BuiltinOptions): EntryStore {
  async function rowsOf<T>(scope: string | undefined, read: (db: Db, rows: MemoryIndex) => Promise<T>): Promise<T> {
    if (!index) throw away('no database is configured')
    const seq = await log.lastSeq(scope)
    if (!(await index.rows.waitFor(seq, caughtUpMs))) throw away(whyOf(index.rows)) // BS2
    try {
      return await read(index.db, index.rows)
    } catch (error) {
      throw isAway(error) ? away('Postgres does not answer') : error
    }
  }

  /** BS3. Nothing that is remembered waits long for Postgres, and what is counted may lag behind the last changes. */
  async function usageOf({ scope, at, kind }: Change): Promise<Usage> {
    if (kind === 'forget' || index?.rows.state().kind !== 'following') return unknown
    const counting = kind === 'clear' ? rowsOf(scope, (db) => indexedRows.usage(db, scope, at)) : counted(scope, at)
    return Promise.race([counting.catch(ifAway), pause(countMs, unknown, { ref: false })])
  }

  const counted = async (scope: string, at: number): Promise<Usage> =>
    index ? indexedRows.usage(index.db, scope, at) : unknown

  async function apply(change: Change): Promise<Applied> {
    const { scope, op } = change
    const key = change.kind === 'clear' ? undefined : change.key
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const before = await log.recorded(scope, key, op)
      if (before) return { kind: 'recorded', record: before }
      const obstacle = full()
      if (obstacle) throw obstacle
      const found = key === undefined ? { latest: undefined, seq: 0 } : await log.latest(scope, key)
      const usage = await usageOf(change)
      const outcome = changed(change, found.latest, usage)
      if (outcome.kind !== 'write') return outcome
      if ((await log.append(outcome.record, found.seq)) === 'written')
        return { kind: 'recorded', record: outcome.record }
    }
    throw new ReinsError('unavailable', 'Too many others change this entry at once.')
  }

  return {
    apply,
    async recall(scope, key, now) {
      const { latest } = await log.latest(scope, key)
      return latest?.entry && isThere(latest.entry, now) ? latest.entry : undefined
    },
    list: (scope, page, now) => rowsOf(scope, (db) => indexedRows.list(db, scope, page, now)),
    versions: (scope, now) => rowsOf(scope, (db) => indexedRows.versions(db, scope, now)),
    search: (scope, query, limit, now) =>
      rowsOf(scope, (db, { trigrams }) => indexedRows.search(db, scope, query, limit, now, trigrams)),
    history: (scope, key, limit) => log.history(scope, key, limit),
    scopes: (page, now) => rowsOf(undefined, (db) => indexedRows.scopes(db, page, now)),
    close: async () => undefined,
  }
}

/** At least one entry: a scope is forgotten also where nobody can count what is there. */
const unknown: Usage = { entries: 1, bytes: 0 }

function ifAway(error: unknown): Usage {
  if (isAway(error) || (error instanceof ReinsError && error.code === 'unavailable')) return unknown
  throw error
}

function whyOf(index: MemoryIndex): string {
  const state = index.state()
  return state.kind === 'waiting' ? state.why : 'the index of memories is catching up'
}

const away = (why: string): ReinsError =>
  new ReinsError('unavailable', `The list of what is remembered cannot be read now: ${why}.`, {
    next: 'Wait until Postgres is back. Storing, and recalling one key, work meanwhile.',
  })
