// Postgres as this service uses it: a pool that survives the server's absence, and the tables, made under an advisory lock.
import { Kysely, PostgresDialect } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import pg from 'pg'
import type { SessionRow } from './session-row.ts'

export interface Tables {
  sessions: SessionRow
  /** One row: how far SES has been indexed, and which SES (its creation time tells it from a new one of this name). */
  session_index_checkpoint: { id: number; seq: number; stream: string }
}

export type Database = Kysely<Tables>

/** The caller destroys it. Nothing is connected yet. */
export function openDatabase(url: string): Database {
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
  pool.on('connect', (client) => client.on('error', () => {}))
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}

const counts = [
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'created_at',
  'last_activity_at',
  'last_seq',
  'last_n',
]

const migrations: Record<string, Migration> = {
  '001-sessions': {
    async up(db: Kysely<unknown>) {
      const { schema } = db
      let sessions = schema
        .createTable('sessions')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('root', 'text', (column) => column.notNull())
        .addColumn('status', 'text', (column) => column.notNull())
        .addColumn('faulted', 'boolean', (column) => column.notNull())
        .addColumn('turns', 'integer', (column) => column.notNull())
      for (const name of ['parent', 'agent', 'digest', 'model', 'instance', 'title'])
        sessions = sessions.addColumn(name, 'text')
      for (const name of counts) sessions = sessions.addColumn(name, 'bigint', (column) => column.notNull())
      await sessions.execute()
      await schema.createIndex('sessions_activity').on('sessions').columns(['last_activity_at', 'id']).execute()
      await schema
        .createIndex('sessions_agent_activity')
        .on('sessions')
        .columns(['agent', 'last_activity_at', 'id'])
        .execute()
      await schema
        .createTable('session_index_checkpoint')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('seq', 'bigint', (column) => column.notNull())
        .addColumn('stream', 'text', (column) => column.notNull())
        .execute()
    },
  },
}

/** Makes what is missing; two at once wait for each other. */
export async function migrate(db: Database): Promise<void> {
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    migrationTableName: 'memory_migrations',
    migrationLockTableName: 'memory_migrations_lock',
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
