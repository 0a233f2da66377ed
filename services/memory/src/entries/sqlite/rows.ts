// Rows of a memory file, as they come from the database: people may name a file that another program has written, so each is looked at.
import type { MemoryScopes } from '@reins/contracts'
import type { Usage } from '../changes.ts'
import type { EntryVersion } from '../store.ts'

export interface EntryRow {
  readonly scope: string
  readonly key: string
  readonly version: number
  readonly there: number
  /** null: it was forgotten. */
  readonly value: string | null
  readonly created_at: number
  readonly updated_at: number
  readonly expires_at: number | null
  readonly by: string
}

type Kind = 'text' | 'number' | 'text?' | 'number?'
type ValueOf<K extends Kind> = K extends 'text'
  ? string
  : K extends 'number'
    ? number
    : K extends 'text?'
      ? string | null
      : number | null

const isOf = (kind: Kind, value: unknown): boolean =>
  (value === null && kind.endsWith('?')) || typeof value === (kind.startsWith('text') ? 'string' : 'number')

/** The columns that are named, and no other. Throws where one is not what it has to be. */
function reader<const Columns extends Readonly<Record<string, Kind>>>(columns: Columns) {
  type Read = { readonly [C in keyof Columns]: ValueOf<Columns[C]> }
  const all = Object.entries(columns)
  return (row: Readonly<Record<string, unknown>>): Read => {
    const read: Record<string, unknown> = {}
    for (const [column, kind] of all) {
      if (!isOf(kind, row[column]))
        throw new Error(`The memory file has a row whose ${column} is no ${kind.replace('?', '')}.`)
      read[column] = row[column]
    }
    return read as Read
  }
}

export const entryRow: (row: Readonly<Record<string, unknown>>) => EntryRow = reader({
  ...{ scope: 'text', key: 'text', version: 'number', there: 'number', value: 'text?' },
  ...{ created_at: 'number', updated_at: 'number', expires_at: 'number?', by: 'text' },
})
export const recordRow = reader({ record: 'text' })
export const totalRow = reader({ total: 'number' })
export const usageRow: (row: Readonly<Record<string, unknown>>) => Usage = reader({
  entries: 'number',
  bytes: 'number',
})
export const versionRow: (row: Readonly<Record<string, unknown>>) => EntryVersion = reader({
  ...{ key: 'text', version: 'number', updatedAt: 'number' },
})
export const scopeRow: (row: Readonly<Record<string, unknown>>) => MemoryScopes['scopes'][number] = reader({
  ...{ scope: 'text', entries: 'number', bytes: 'number', updatedAt: 'number' },
})
