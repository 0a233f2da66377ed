// Postgres as a projection uses it: a pool that survives the absence of the server, and tables that are made under an advisory lock.
import { setTimeout as pause } from 'node:timers/promises'
import { Kysely, PostgresDialect, type PostgresPool } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import pg from 'pg'

export interface DatabaseOptions {
  /**
   * All that it holds can be read again from a stream, so that no commit waits for the disk: a crash of Postgres loses rows and checkpoint
   * together. Default: no.
   */
  readonly derived?: boolean
  /** Never rejects. Nobody connects before it has resolved, and whoever wants to waits ten seconds at most. Default: at once. */
  readonly ready?: Promise<unknown> | undefined
}

const connectWithinMs = 3000
const readyWithinMs = 10_000

/** The caller destroys it. Nothing is connected yet. */
export function openDatabase<Tables>(url: string, { derived = false, ready }: DatabaseOptions = {}): Kysely<Tables> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 4,
    connectionTimeoutMillis: connectWithinMs,
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
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: ready ? waitingFor(ready, pool) : pool }) })
}

/** A pool that connects once something has happened. Its end ends the waiting. */
function waitingFor(ready: Promise<unknown>, pool: pg.Pool): PostgresPool {
  let isReady = false
  const ended = new AbortController()
  void ready.then(() => {
    isReady = true
  })
  return {
    options: pool.options,
    async connect() {
      if (!isReady) await waited(ready, ended.signal)
      return pool.connect()
    },
    end() {
      ended.abort()
      return pool.end()
    },
  }
}

/** Rejects as a pool does whose server does not answer. */
async function waited(ready: Promise<unknown>, ended: AbortSignal): Promise<void> {
  const over = new AbortController()
  const signal = AbortSignal.any([ended, over.signal])
  const late = pause(readyWithinMs, undefined, { signal, ref: false }).then(
    () => Promise.reject(new Error('timeout exceeded when trying to connect: Postgres is starting')),
    () => Promise.reject(new Error('Connection terminated: the database is closed')),
  )
  try {
    await Promise.race([ready, late])
  } finally {
    late.catch(() => {})
    over.abort()
  }
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
