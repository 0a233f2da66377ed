// Postgres as this service uses it: a pool that survives the server's absence, and the tables, made under an advisory lock.
import { Kysely, PostgresDialect } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import pg from 'pg'

export interface Tables {
  /** A deleted agent stays, so that its version goes on counting in the projection too. */
  agents: {
    name: string
    digest: string
    version: number
    deleted: boolean
    created_at: number
    updated_at: number
    seq: number
  }
  agent_versions: { name: string; version: number; digest: string; at: number; by: string }
  agent_definitions: { digest: string; definition: string }
  /** One row: how far REG has been projected, and which REG (its creation time tells it from a new one of this name). */
  registry_checkpoint: { id: number; seq: number; stream: string }
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

const migrations: Record<string, Migration> = {
  '001-agents': {
    async up(db: Kysely<unknown>) {
      const { schema } = db
      await schema
        .createTable('agents')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('digest', 'text', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('deleted', 'boolean', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('updated_at', 'bigint', (column) => column.notNull())
        .addColumn('seq', 'bigint', (column) => column.notNull())
        .execute()
      await schema
        .createTable('agent_versions')
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('digest', 'text', (column) => column.notNull())
        .addColumn('at', 'bigint', (column) => column.notNull())
        .addColumn('by', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('agent_versions_key', ['name', 'version'])
        .execute()
      await schema
        .createTable('agent_definitions')
        .addColumn('digest', 'text', (column) => column.primaryKey())
        .addColumn('definition', 'text', (column) => column.notNull())
        .execute()
      await schema
        .createTable('registry_checkpoint')
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
    migrationTableName: 'registry_migrations',
    migrationLockTableName: 'registry_migrations_lock',
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
