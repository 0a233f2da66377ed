// The provider postgresql: a database of the user's own, in which Reins keeps two tables. What is there is the truth.
//   PG1. One change of a scope at a time, whoever makes it: a lock that the transaction holds.
//   PG2. An error says what is wrong with the database, and never where it is or who may use it.
import { type MemoryRecord, ReinsError } from '@reins/contracts'
import { isAway, openDatabase } from '@reins/projection'
import { sql } from 'kysely'
import { applyTo, type EntryTables } from '../changes.ts'
import type { EntryStore } from '../store.ts'
import { type Db, EntryRows, trigramsIn } from './entry-rows.ts'

const entries = new EntryRows('reins_memory_entries')
const records = sql.table('reins_memory_records')

/** `url`: of the database. Nothing is connected yet. Whoever makes it closes it. */
export function postgresStore(url: string): EntryStore {
  const db: Db = openDatabase(url)
  let made: Promise<{ readonly trigrams: boolean }> | undefined

  const ready = (): Promise<{ readonly trigrams: boolean }> => {
    made ??= makeTables(db).catch((error: unknown) => {
      made = undefined
      throw error
    })
    return made
  }
  async function on<T>(ask: (trigrams: boolean) => Promise<T>): Promise<T> {
    try {
      return await ask((await ready()).trigrams)
    } catch (error) {
      throw told(error)
    }
  }
  return {
    apply: (change) =>
      on(() =>
        db.transaction().execute(async (trx) => {
          await sql`select pg_advisory_xact_lock(hashtextextended(${`reins memory ${change.scope}`}, 0))`.execute(trx)
          return applyTo(tablesIn(trx), change)
        }),
      ),
    recall: (scope, key, now) => on(() => entries.recall(db, scope, key, now)),
    list: (scope, page, now) => on(() => entries.list(db, scope, page, now)),
    versions: (scope, now) => on(() => entries.versions(db, scope, now)),
    search: (scope, query, limit, now) => on((trigrams) => entries.search(db, scope, query, limit, now, trigrams)),
    history: (scope, key, limit) => on(() => historyOf(db, scope, key, limit)),
    scopes: (page, now) => on(() => entries.scopes(db, page, now)),
    close: () => db.destroy(),
  }
}

async function makeTables(db: Db): Promise<{ readonly trigrams: boolean }> {
  await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended('reins memory tables', 0))`.execute(trx)
    await entries.create(trx)
    await sql`create table if not exists ${records} (
      id bigserial primary key, scope text collate "C" not null, op text not null, key text collate "C", record text not null
    )`.execute(trx)
    await sql`create unique index if not exists reins_memory_ops on ${records} (md5(scope), op)`.execute(trx)
    await sql`create index if not exists reins_memory_of_key on ${records} (md5(scope), key, id)`.execute(trx)
  })
  return { trigrams: await trigramsIn(db) }
}

function tablesIn(trx: Db): EntryTables {
  return {
    async recorded(scope, op) {
      const { rows } = await sql<{ record: string }>`select record from ${records}
        where md5(scope) = md5(${scope}) and op = ${op}`.execute(trx)
      return rows[0] && JSON.parse(rows[0].record)
    },
    latest: (scope, key) => entries.latest(trx, scope, key),
    usage: (scope, now) => entries.usage(trx, scope, now),
    async write(record) {
      const key = record.kind === 'scope-forgotten' ? null : record.key
      await sql`insert into ${records} (scope, op, key, record)
        values (${record.scope}, ${record.op}, ${key}, ${JSON.stringify(record)})`.execute(trx)
      await entries.write(trx, record)
    },
  }
}

async function historyOf(db: Db, scope: string, key: string, limit: number): Promise<readonly MemoryRecord[]> {
  const { rows } = await sql<{ record: string }>`select record from ${records}
    where md5(scope) = md5(${scope}) and (key = ${key} or key is null) order by id desc limit ${limit}`.execute(db)
  return rows.map(({ record }) => JSON.parse(record))
}

/** By SQLSTATE. PG2. */
const wrong: Readonly<Record<string, string>> = {
  '28P01': 'refuses the user or the password',
  '28000': 'refuses the user',
  '3D000': 'has no database of this name',
  '42501': 'does not let this user make or use the tables of the memory',
  '25006': 'is read-only',
}

function told(error: unknown): unknown {
  if (error instanceof ReinsError) return error
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  const why = wrong[code]
  if (why !== undefined) return new ReinsError('memory_unusable', `The database of this memory ${why}.`)
  if (code === '53100') return new ReinsError('storage_full', 'The disk of the database of this memory is full.')
  if (isAway(error)) return new ReinsError('unavailable', 'The database of this memory does not answer.')
  return new ReinsError('memory_unusable', `The database of this memory failed${code === '' ? '' : ` (${code})`}.`)
}
