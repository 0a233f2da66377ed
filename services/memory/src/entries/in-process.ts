// The provider `memory`: entries in this process, for trying things out. They are gone when the memory service restarts.
import type { MemoryEntry, MemoryRecord } from '@reins/contracts'
import { applyTo, type EntryTables, entryOf, isThere, type Latest, valueBytes } from './changes.ts'
import { searchAmong } from './relevance.ts'
import type { EntryStore, PageOf } from './store.ts'

interface Scope {
  readonly latest: Map<string, Latest>
  readonly records: MemoryRecord[]
  readonly ops: Map<string, MemoryRecord>
}

export function inProcessStore(): EntryStore {
  const scopes = new Map<string, Scope>()
  let changing: Promise<unknown> = Promise.resolve()

  const there = (scope: string, now: number): readonly MemoryEntry[] =>
    [...(scopes.get(scope)?.latest.values() ?? [])].flatMap(({ entry }) =>
      entry && isThere(entry, now) ? [entry] : [],
    )

  const tables: EntryTables = {
    recorded: (scope, op) => scopes.get(scope)?.ops.get(op),
    latest: (scope, key) => scopes.get(scope)?.latest.get(key),
    usage: (scope, now) => usageOf(there(scope, now)),
    write(record) {
      const scope: Scope = scopes.get(record.scope) ?? { latest: new Map(), records: [], ops: new Map() }
      scopes.set(record.scope, scope)
      scope.records.push(record)
      scope.ops.set(record.op, record)
      if (record.kind === 'stored') scope.latest.set(record.key, { version: record.version, entry: entryOf(record) })
      else
        for (const [key, { version }] of scope.latest)
          if (record.kind === 'scope-forgotten' || record.key === key)
            scope.latest.set(key, { version, entry: undefined })
    },
  }
  return {
    apply(change) {
      const applied = changing.then(() => applyTo(tables, change))
      changing = applied.catch(() => undefined)
      return applied
    },
    recall: async (scope, key, now) => {
      const entry = scopes.get(scope)?.latest.get(key)?.entry
      return entry && isThere(entry, now) ? entry : undefined
    },
    list: async (scope, { prefix = '', ...page }, now) => {
      const fitting = there(scope, now).filter(({ key }) => key.startsWith(prefix))
      const { items, next } = pageOf(fitting, page, ({ key }) => key)
      return { entries: [...items], total: fitting.length, ...(next === undefined ? {} : { next }) }
    },
    versions: async (scope, now) =>
      there(scope, now).map(({ key, version, updatedAt }) => ({ key, version, updatedAt })),
    search: async (scope, query, limit, now) => searchAmong(there(scope, now), query, limit),
    history: async (scope, key, limit) =>
      (scopes.get(scope)?.records ?? [])
        .filter((record) => record.kind === 'scope-forgotten' || record.key === key)
        .reverse()
        .slice(0, limit),
    scopes: async (page, now) => {
      const all = [...scopes.keys()].flatMap((scope) => {
        if (page.only && !page.only.includes(scope)) return []
        const entries = there(scope, now)
        if (entries.length === 0) return []
        return [{ scope, ...usageOf(entries), updatedAt: Math.max(...entries.map(({ updatedAt }) => updatedAt)) }]
      })
      const { items, next } = pageOf(all, page, ({ scope }) => scope)
      return { scopes: [...items], ...(next === undefined ? {} : { next }) }
    },
    close: async () => scopes.clear(),
  }
}

const usageOf = (entries: readonly MemoryEntry[]) => ({
  entries: entries.length,
  bytes: entries.reduce((sum, { value }) => sum + valueBytes(value), 0),
})

/** In the order of their names, by code unit as UTF-8 has it. */
function pageOf<T>(all: readonly T[], { limit, after }: PageOf, nameOf: (one: T) => string) {
  const byName = [...all].sort((a, b) => Buffer.compare(Buffer.from(nameOf(a)), Buffer.from(nameOf(b))))
  const behind =
    after === undefined
      ? byName
      : byName.filter((one) => Buffer.compare(Buffer.from(nameOf(one)), Buffer.from(after)) > 0)
  const items = behind.slice(0, limit)
  const last = items.at(-1)
  return { items, next: behind.length > items.length && last !== undefined ? nameOf(last) : undefined }
}
