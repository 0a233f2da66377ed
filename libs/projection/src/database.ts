// Postgres as a projection uses it: a pool that survives the absence of the server, and tables that are made under an advisory lock.
import { Kysely, PostgresDialect } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import pg from 'pg'

/**
 * The caller destroys it. Nothing is connected yet. `derived`: all that it holds can be read again from a stream, so that no commit
 * waits for the disk: a crash of Postgres loses rows and checkpoint together.
 */
export function openDatabase<Tables>(url: string, { derived = false } = {}): Kysely<Tables> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 4,
    connectionTimeoutMillis: 3000,
    query_timeout: 15_000,
    types: { getTypeParser: (oid, format) => (oid === 20 ? Number : pg.types.getTypeParser(oid, format)) },
  })
  // A connection that breaks while it is idle, or between two statements of a transaction, says so by an event, and without a
  // listener that ends the process. The next statement fails by itself.
  pool.on('error', () => {})
  pool.on('connect', (client) => {
    client.on('error', () => {})
    // It fails only with the connection, and then the statement behind it says so.
    if (derived) client.query('set synchronous_commit = off').catch(() => {})
  })
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}

/** Makes what is missing; two at once wait for each other. `owner` names the tables in which this is noted. */
export async function migrate<Tables>(
  db: Kysely<Tables>,
  owner: string,
  migrations: Readonly<Record<string, Migration>>,
): Promise<void> {
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableName: `${owner}_migrations`,
    migrationLockTableName: `${owner}_migrations_lock`,
  }).migrateToLatest()
  if (error !== undefined) throw error
}

/** Whether this says that Postgres is away, starting, or too busy to answer: what passes by itself. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (/^(ECONN|EPIPE|ENOTFOUND|EAI_|ETIMEDOUT|EHOST|ENET|08|57P|53)/.test(code)) return true
  if (error instanceof AggregateError) return error.errors.some(isAway)
  return /connection terminated|timeout exceeded when trying to connect|query read timeout|not queryable|connection error/i.test(
    error.message,
  )
}
