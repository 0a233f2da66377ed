// Entries as rows of one table in Postgres, with full-text and trigram search: the index of the built-in provider, and the truth of the
// provider postgresql. The table keeps what was forgotten, without its value, since versions count on.
//   ER1. A value is JSON text, as it was stored: `jsonb` would change it, and cannot hold every text.
//   ER2. Where the extension pg_trgm cannot be had, words are searched alone, and the answer says so.
import { createHash } from 'node:crypto'
import {
  type MemoryEntry,
  type MemoryPage,
  type MemoryRecord,
  type MemoryScopes,
  type MemorySearch,
  memoryLimits,
} from '@reins/contracts'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import { type Latest, type Usage, valueBytes } from '../changes.ts'
import { searchText } from '../relevance.ts'
import type { EntryVersion, PageOf } from '../store.ts'

interface Row {
  readonly scope: string
  readonly key: string
  readonly version: number
  readonly there: boolean
  readonly value: string | null
  readonly created_at: number
  readonly updated_at: number
  readonly expires_at: number | null
  readonly by: string
}

// biome-ignore lint/suspicious/noExplicitAny: the tables are named at run time, so no type says them
export type Db = Kysely<any>

/** A scope is looked for by its digest: it may be longer than an index takes. */
const idOf = (scope: string): string => createHash('sha256').update(scope).digest('base64url').slice(0, 22)
/** Postgres takes neither in a text. */
const storable = (text: string): string => text.replaceAll('\u0000', ' ').toWellFormed()

export class EntryRows {
  readonly #table: RawBuilder<unknown>
  readonly #name: string

  constructor(table: string) {
    this.#name = table
    this.#table = sql.table(table)
  }

  /** For a migration. */
  async create(db: Db): Promise<void> {
    await sql`create table if not exists ${this.#table} (
      scope_id text collate "C" not null, scope text collate "C" not null, key text collate "C" not null,
      version integer not null, there boolean not null, value text, bytes integer not null,
      created_at bigint not null, updated_at bigint not null, expires_at bigint, by text not null,
      words text not null, search tsvector generated always as (to_tsvector('english', words)) stored,
      primary key (scope_id, key)
    )`.execute(db)
    await sql`create index if not exists ${sql.raw(`${this.#name}_search`)} on ${this.#table} using gin (search)`.execute(
      db,
    )
  }

  async clearAll(db: Db): Promise<void> {
    await sql`delete from ${this.#table}`.execute(db)
  }

  async write(db: Db, record: MemoryRecord): Promise<void> {
    const id = idOf(record.scope)
    const gone = sql`update ${this.#table} set there = false, value = null, bytes = 0, words = '' where scope_id = ${id}`
    if (record.kind === 'scope-forgotten') return void (await gone.execute(db))
    if (record.kind === 'forgotten') return void (await sql`${gone} and key = ${storable(record.key)}`.execute(db))
    const { scope, key, value, version, createdAt, at, expiresAt = null, by } = record
    const words = storable(searchText(key, value))
    await sql`insert into ${this.#table}
      (scope_id, scope, key, version, there, value, bytes, created_at, updated_at, expires_at, by, words)
      values (${id}, ${storable(scope)}, ${storable(key)}, ${version}, true, ${JSON.stringify(value)},
        ${valueBytes(value)}, ${createdAt}, ${at}, ${expiresAt}, ${storable(JSON.stringify(by))}, ${words})
      on conflict (scope_id, key) do update set version = excluded.version, there = true, value = excluded.value,
        bytes = excluded.bytes, created_at = excluded.created_at, updated_at = excluded.updated_at,
        expires_at = excluded.expires_at, by = excluded.by, words = excluded.words`.execute(db)
  }

  async latest(db: Db, scope: string, key: string): Promise<Latest | undefined> {
    const { rows } = await sql<Row>`select * from ${this.#table}
      where scope_id = ${idOf(scope)} and key = ${storable(key)}`.execute(db)
    const [row] = rows
    return row && { version: row.version, entry: row.there ? entryOf(row) : undefined }
  }

  async usage(db: Db, scope: string, now: number): Promise<Usage> {
    const { rows } = await sql<Usage>`select count(*) as entries, coalesce(sum(bytes), 0)::bigint as bytes
      from ${this.#table} where ${alive(scope, now)}`.execute(db)
    return rows[0] ?? { entries: 0, bytes: 0 }
  }

  async recall(db: Db, scope: string, key: string, now: number): Promise<MemoryEntry | undefined> {
    const { rows } = await sql<Row>`select * from ${this.#table}
      where ${alive(scope, now)} and key = ${storable(key)}`.execute(db)
    return rows[0] && entryOf(rows[0])
  }

  async list(
    db: Db,
    scope: string,
    { limit, after, prefix = '' }: PageOf & { readonly prefix?: string | undefined },
    now: number,
  ): Promise<MemoryPage> {
    const fits = sql`${alive(scope, now)} and starts_with(key, ${storable(prefix)})`
    const counted = await sql<{ total: number }>`select count(*) as total from ${this.#table} where ${fits}`.execute(db)
    const behind = after === undefined ? sql`` : sql`and key > ${storable(after)}`
    const { rows } = await sql<Row>`select * from ${this.#table} where ${fits} ${behind}
      order by key limit ${limit + 1}`.execute(db)
    const entries = rows.slice(0, limit).map(entryOf)
    const last = entries.at(-1)
    return {
      entries,
      total: counted.rows[0]?.total ?? entries.length,
      ...(rows.length > limit && last ? { next: last.key } : {}),
    }
  }

  async versions(db: Db, scope: string, now: number): Promise<readonly EntryVersion[]> {
    const { rows } = await sql<EntryVersion>`select key, version, updated_at as "updatedAt" from ${this.#table}
      where ${alive(scope, now)} limit ${memoryLimits.entriesOfScope}`.execute(db)
    return rows
  }

  /** `trigrams`: whether Postgres has them (ER2). */
  async search(
    db: Db,
    scope: string,
    query: string,
    limit: number,
    now: number,
    trigrams: boolean,
  ): Promise<MemorySearch> {
    const asked = storable(query)
    const words = [...new Set(asked.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? [])].slice(0, 32)
    // Any of the words: a model asks in whole sentences.
    const any = sql`replace(plainto_tsquery('english', ${asked})::text, '&', '|')::tsquery`
    const likeness = trigrams
      ? sql`coalesce((select max(word_similarity(one, words)) from unnest(${words}::text[]) as one), 0)`
      : sql`0`
    const { rows } = await sql<Row & { readonly score: number }>`
      select *, round((ranked + likeness)::numeric, 4)::float8 as score from (
        select *, ts_rank(search, ${any}) * 2 + (search @@ ${any})::int as ranked, ${likeness} as likeness
        from ${this.#table} where ${alive(scope, now)}
      ) as found where ranked > 0 or likeness >= 0.5
      order by ranked + likeness desc, updated_at desc, key limit ${limit}`.execute(db)
    return {
      found: rows.map((row) => ({ entry: entryOf(row), score: row.score })),
      how: trigrams ? 'words and trigrams' : 'words',
    }
  }

  async scopes(db: Db, { limit, after, only }: PageOf, now: number): Promise<MemoryScopes> {
    const behind = after === undefined ? sql`` : sql`and scope > ${storable(after)}`
    const among = only === undefined ? sql`` : sql`and scope in (${sql.join(['', ...only].map(storable))})`
    const { rows } = await sql<MemoryScopes['scopes'][number]>`
      select scope, count(*) as entries, sum(bytes)::bigint as bytes, max(updated_at) as "updatedAt"
      from ${this.#table} where there and (expires_at is null or expires_at > ${now}) ${behind} ${among}
      group by scope order by scope limit ${limit + 1}`.execute(db)
    const scopes = rows.slice(0, limit)
    const last = scopes.at(-1)
    return { scopes, ...(rows.length > limit && last ? { next: last.scope } : {}) }
  }
}

const alive = (scope: string, now: number): RawBuilder<unknown> =>
  sql`scope_id = ${idOf(scope)} and there and (expires_at is null or expires_at > ${now})`

function entryOf({ scope, key, version, value, created_at, updated_at, expires_at, by }: Row): MemoryEntry {
  return {
    ...{ scope, key, version, value: JSON.parse(value ?? 'null'), createdAt: created_at, updatedAt: updated_at },
    ...(expires_at === null ? {} : { expiresAt: expires_at }),
    by: JSON.parse(by),
  }
}

/** ER2. Whether trigrams are there, made where this user may. */
export async function trigramsIn(db: Db): Promise<boolean> {
  const has = async (): Promise<boolean> =>
    (await sql`select 1 from pg_extension where extname = 'pg_trgm'`.execute(db)).rows.length > 0
  if (await has()) return true
  await sql`create extension if not exists pg_trgm`.execute(db).catch(() => undefined)
  return has()
}
