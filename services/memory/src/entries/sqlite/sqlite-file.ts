// One database file of the provider sqlite: its tables, and what is asked of them. Synchronous, so it runs in a worker (sqlite-worker.ts).
//   SF1. What is committed is on the disk: each commit waits for it.
//   SF2. Two processes may have one file: a change takes the file's write lock before it reads what it depends on.
//   SF3. A value is the last column: counting what there is reads none.
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { MemoryEntry, MemoryPage, MemoryRecord, MemoryScopes, MemorySearch } from '@reins/contracts'
import { applyTo, type EntryTables, valueBytes } from '../changes.ts'
import { searchAmong } from '../relevance.ts'
import type { Applied, Change, EntryVersion, PageOf } from '../store.ts'
import { type EntryRow, entryRow, recordRow, scopeRow, totalRow, usageRow, versionRow } from './rows.ts'

const schema = `
  create table if not exists entries (
    scope text not null, key text not null, version integer not null, there integer not null,
    bytes integer not null, created_at integer not null, updated_at integer not null,
    expires_at integer, by text not null, value text, primary key (scope, key)
  ) without rowid;
  create table if not exists records (
    id integer primary key, scope text not null, op text not null, key text, record text not null, unique (scope, op)
  );
  create index if not exists records_of_key on records (scope, key, id);
`
const alive = 'there = 1 and (expires_at is null or expires_at > ?)'

/** A folder with so many files takes no new one: anybody with a memory of their own may name a file. */
const mostFiles = 1000

/** Whether something lies where the file would be. Makes nothing. */
export const liesThere = (folder: string, file: string): boolean =>
  lstatSync(path.join(folder, file), { throwIfNoEntry: false }) !== undefined

/** Throws where no file may be added. */
export function mustHaveRoom(folder: string, file: string): void {
  if (!existsSync(folder)) return
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((one) => !/-(wal|shm)$/.test(one))
  if (files.length >= mostFiles)
    throw new NotHere(file, `cannot be made: its folder holds ${mostFiles} already, and takes no more`)
}

/** The path of `file` below `folder`, whose folders are made. Throws where a link leads away from there, or no file lies there. */
export function placeOf(folder: string, file: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const root = realpathSync(folder)
  const wanted = path.join(root, file)
  mkdirSync(path.dirname(wanted), { recursive: true, mode: 0o700 })
  const parent = realpathSync(path.dirname(wanted))
  if (parent !== root && !parent.startsWith(root + path.sep)) throw new NotHere(file, 'lies outside of its folder')
  const found = path.join(parent, path.basename(wanted))
  if (existsSync(found) || isLink(found)) {
    const kind = lstatSync(found)
    if (kind.isSymbolicLink()) throw new NotHere(file, 'is a symbolic link')
    if (!kind.isFile()) throw new NotHere(file, 'is no file')
  }
  return found
}

const isLink = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true

/** The file cannot be a memory. `message` is fit for people. */
export class NotHere extends Error {
  constructor(file: string, why: string) {
    super(`The memory file "${file}" ${why}.`)
    this.name = 'NotHere'
  }
}

export class SqliteFile {
  readonly #db: DatabaseSync
  readonly #tables: EntryTables

  /** Without a path: an empty one, which is nowhere. */
  constructor(at?: string) {
    this.#db = new DatabaseSync(at ?? ':memory:', { timeout: 5000 })
    try {
      this.#db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma trusted_schema = off')
      this.#db.exec(schema)
      if (at !== undefined) chmodSync(at, 0o600)
    } catch (error) {
      this.#db.close()
      throw error
    }
    this.#tables = this.#openTables()
  }

  #openTables(): EntryTables {
    const db = this.#db
    const recorded = db.prepare('select record from records where scope = ? and op = ?')
    const latest = db.prepare('select * from entries where scope = ? and key = ?')
    const usage = db.prepare(
      `select count(*) as entries, coalesce(sum(bytes), 0) as bytes from entries where scope = ? and ${alive}`,
    )
    const record = db.prepare('insert into records (scope, op, key, record) values (?, ?, ?, ?)')
    const put = db.prepare(`insert into entries values (?, ?, ?, 1, ?, ?, ?, ?, ?, ?)
      on conflict (scope, key) do update set version = excluded.version, there = 1, value = excluded.value,
      bytes = excluded.bytes, created_at = excluded.created_at, updated_at = excluded.updated_at,
      expires_at = excluded.expires_at, by = excluded.by`)
    const forget = db.prepare('update entries set there = 0, value = null, bytes = 0 where scope = ? and key = ?')
    const clear = db.prepare('update entries set there = 0, value = null, bytes = 0 where scope = ?')
    return {
      recorded: (scope, op) => {
        const row = recorded.get(scope, op)
        return row && parsed(recordRow(row).record)
      },
      latest: (scope, key) => {
        const found = latest.get(scope, key)
        const row = found && entryRow(found)
        return row && { version: row.version, entry: row.there === 1 ? entryOf(row) : undefined }
      },
      usage: (scope, now) => usageRow(usage.get(scope, now) ?? {}),
      write: (one) => {
        record.run(one.scope, one.op, one.kind === 'scope-forgotten' ? null : one.key, JSON.stringify(one))
        if (one.kind === 'scope-forgotten') clear.run(one.scope)
        else if (one.kind === 'forgotten') forget.run(one.scope, one.key)
        else {
          const { scope, key, version, value, createdAt, at, expiresAt = null, by } = one
          const text = JSON.stringify(value)
          put.run(scope, key, version, valueBytes(value), createdAt, at, expiresAt, JSON.stringify(by), text)
        }
      },
    }
  }

  /** SF2. Nothing else may be asked of it until this has resolved. */
  async apply(change: Change): Promise<Applied> {
    this.#db.exec('begin immediate')
    try {
      const applied = await applyTo(this.#tables, change)
      this.#db.exec('commit')
      return applied
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('rollback')
      throw error
    }
  }

  recall(scope: string, key: string, now: number): MemoryEntry | undefined {
    const [row] = this.#rows(`select * from entries where scope = ? and key = ? and ${alive}`, scope, key, now)
    return row && entryOf(row)
  }

  list(
    scope: string,
    { limit, after, prefix = '' }: PageOf & { readonly prefix?: string | undefined },
    now: number,
  ): MemoryPage {
    const fits = `scope = ? and ${alive} and substr(key, 1, length(?)) = ?`
    const counted = this.#db
      .prepare(`select count(*) as total from entries where ${fits}`)
      .get(scope, now, prefix, prefix)
    const { total } = totalRow(counted ?? {})
    const sql = `select * from entries where ${fits} and (? is null or key > ?) order by key limit ?`
    const rows = this.#rows(sql, scope, now, prefix, prefix, after ?? null, after ?? null, limit + 1)
    const entries = rows.slice(0, limit).map(entryOf)
    const last = entries.at(-1)
    return { entries, total, ...(rows.length > limit && last ? { next: last.key } : {}) }
  }

  versions(scope: string, now: number): readonly EntryVersion[] {
    return this.#db
      .prepare(`select key, version, updated_at as updatedAt from entries where scope = ? and ${alive}`)
      .all(scope, now)
      .map(versionRow)
  }

  search(scope: string, query: string, limit: number, now: number): MemorySearch {
    const rows = this.#rows(`select * from entries where scope = ? and ${alive}`, scope, now)
    return searchAmong(rows.map(entryOf), query, limit)
  }

  history(scope: string, key: string, limit: number): readonly MemoryRecord[] {
    return this.#db
      .prepare('select record from records where scope = ? and (key = ? or key is null) order by id desc limit ?')
      .all(scope, key, limit)
      .map((row) => parsed(recordRow(row).record))
  }

  scopes({ limit, after, only }: PageOf, now: number): MemoryScopes {
    const among = only ? JSON.stringify(only) : null
    const rows = this.#db
      .prepare(
        `select scope, count(*) as entries, sum(bytes) as bytes, max(updated_at) as updatedAt from entries
         where ${alive} and (? is null or scope > ?)
         and (? is null or scope in (select value from json_each(?))) group by scope order by scope limit ?`,
      )
      .all(now, after ?? null, after ?? null, among, among, limit + 1)
    const scopes = rows.slice(0, limit).map(scopeRow)
    const last = scopes.at(-1)
    return { scopes, ...(rows.length > limit && last ? { next: last.scope } : {}) }
  }

  close(): void {
    this.#db.close()
  }

  #rows(sql: string, ...values: (string | number | null)[]): readonly EntryRow[] {
    return this.#db
      .prepare(sql)
      .all(...values)
      .map(entryRow)
  }
}

const parsed = (record: string): MemoryRecord => JSON.parse(record)

const entryOf = ({ scope, key, version, value, created_at, updated_at, expires_at, by }: EntryRow): MemoryEntry => ({
  ...{ scope, key, version, value: JSON.parse(value ?? 'null'), createdAt: created_at, updatedAt: updated_at },
  ...(expires_at === null ? {} : { expiresAt: expires_at }),
  by: JSON.parse(by),
})
