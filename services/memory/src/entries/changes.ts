// What a change comes to, from what is there. The one rule for all providers. Pure, but for what `EntryTables` does.
import { type MemoryEntry, memoryLimits, type MemoryRecord } from '@reins/contracts'
import type { Applied, Change } from './store.ts'

/** What was last stored under a key, also where it was forgotten. */
export interface Latest {
  readonly version: number
  /** undefined: it was forgotten. */
  readonly entry: MemoryEntry | undefined
}

export interface Usage {
  readonly entries: number
  /** Of the values, as JSON. */
  readonly bytes: number
}

export const isThere = ({ expiresAt }: Pick<MemoryEntry, 'expiresAt'>, now: number): boolean =>
  expiresAt === undefined || expiresAt > now

export const valueBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? 'null')

/** `latest`: of the key; undefined where the change is of a whole scope. `usage`: of what is there now. */
export function changed(
  change: Change,
  latest: Latest | undefined,
  usage: Usage,
): { readonly kind: 'write'; readonly record: MemoryRecord } | Exclude<Applied, { kind: 'recorded' }> {
  const { scope, op, by, at } = change
  const entry = latest?.entry && isThere(latest.entry, at) ? latest.entry : undefined
  switch (change.kind) {
    case 'store': {
      const { key, value, life, ifVersion } = change
      const version = entry?.version ?? 0
      if (ifVersion !== undefined && ifVersion !== version) return { kind: 'other-version', version }
      const why = fullness(usage, entry, value)
      if (why !== undefined) return { kind: 'full', why }
      const record: MemoryRecord = {
        ...{ kind: 'stored', op, scope, key, value, by, at },
        version: (latest?.version ?? 0) + 1,
        created: entry === undefined,
        createdAt: entry?.createdAt ?? at,
        ...(life === undefined ? {} : { expiresAt: at + life }),
      }
      return { kind: 'write', record }
    }
    case 'forget':
      if (!entry) return { kind: 'nothing' }
      return {
        kind: 'write',
        record: { kind: 'forgotten', op, scope, key: change.key, version: entry.version, at, by },
      }
    case 'clear':
      if (usage.entries === 0) return { kind: 'nothing' }
      return { kind: 'write', record: { kind: 'scope-forgotten', op, scope, entries: usage.entries, at, by } }
    default:
      return change satisfies never
  }
}

function fullness({ entries, bytes }: Usage, replaced: MemoryEntry | undefined, value: unknown): string | undefined {
  const { entriesOfScope, bytesOfScope } = memoryLimits
  if (!replaced && entries >= entriesOfScope) return `it has ${entries} entries, and may have ${entriesOfScope}`
  const more = valueBytes(value) - (replaced ? valueBytes(replaced.value) : 0)
  if (more > 0 && bytes + more > bytesOfScope)
    return `its values would take ${bytes + more} bytes, and may take ${bytesOfScope}`
  return undefined
}

export const entryOf = (record: MemoryRecord & { readonly kind: 'stored' }): MemoryEntry => {
  const { scope, key, value, version, createdAt, at, expiresAt, by } = record
  return {
    ...{ scope, key, value, version, createdAt, updatedAt: at, by },
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
}

/** Rows of one place, inside of one transaction. */
export interface EntryTables {
  /** What the operation was recorded as. */
  recorded(scope: string, op: string): MemoryRecord | undefined | Promise<MemoryRecord | undefined>
  latest(scope: string, key: string): Latest | undefined | Promise<Latest | undefined>
  usage(scope: string, now: number): Usage | Promise<Usage>
  write(record: MemoryRecord): void | Promise<void>
}

/** Whoever calls it has made sure that nobody else changes the scope meanwhile. */
export async function applyTo(tables: EntryTables, change: Change): Promise<Applied> {
  const { scope, op, at } = change
  const before = await tables.recorded(scope, op)
  if (before) return { kind: 'recorded', record: before }
  const latest = change.kind === 'clear' ? undefined : await tables.latest(scope, change.key)
  const outcome = changed(change, latest, await tables.usage(scope, at))
  if (outcome.kind !== 'write') return outcome
  await tables.write(outcome.record)
  return { kind: 'recorded', record: outcome.record }
}
