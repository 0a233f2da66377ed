// The tables of the session index.
//   T1. Each list is read along an index: what fewer sessions have in common than fit a page must not cost a scan of all others.
//   T3. Of columns that hold what was said, PostgreSQL samples nothing for its statistics: there it would outlive the row.
//   T2. `sessions_rebuilt` is filled by a rebuild beside `sessions`, and takes its place when it is whole.
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { indexCheckpointIn } from './index-checkpoint.ts'
import type { ApprovalRow } from './people/approval-row.ts'
import type { ElicitationRow } from './people/elicitation-row.ts'
import type { SessionRow } from './session-row.ts'
import type { UsageRow } from './usage/usage-row.ts'

export interface Tables {
  sessions: SessionRow
  sessions_rebuilt: SessionRow
  approvals: ApprovalRow
  approvals_rebuilt: ApprovalRow
  elicitations: ElicitationRow
  elicitations_rebuilt: ElicitationRow
  usage: UsageRow
  usage_rebuilt: UsageRow
}

export type SessionsTable = 'sessions' | 'sessions_rebuilt'
export type ApprovalsTable = 'approvals' | 'approvals_rebuilt'
export type ElicitationsTable = 'elicitations' | 'elicitations_rebuilt'
export type UsageTable = 'usage' | 'usage_rebuilt'
/** What a rebuild fills anew (T2). */
export const rebuiltTables = ['sessions', 'approvals', 'elicitations', 'usage'] as const
export type Database = Kysely<Tables>

/** How far the sessions have been indexed. */
export const indexed = indexCheckpointIn<Tables>('session_index_checkpoint', async (trx) => {
  await trx.deleteFrom('sessions').execute()
  await trx.deleteFrom('approvals').execute()
  await trx.deleteFrom('elicitations').execute()
  await trx.deleteFrom('usage').execute()
})
/** How far a rebuild has come. */
export const rebuilt = indexCheckpointIn<Tables>('session_rebuild_checkpoint', async (trx) => {
  await sql`truncate sessions_rebuilt, approvals_rebuilt, elicitations_rebuilt, usage_rebuilt`.execute(trx)
})

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

const usageCounts = [
  ...['model_calls', 'tool_calls', 'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens'],
  ...['reasoning_tokens', 'unpriced_tokens', 'charged_tokens', 'at', 'last_seq'],
]

/** T3. */
const said = {
  sessions: ['title', 'waiting', 'work'],
  approvals: ['arguments', 'target', 'reason', 'decision_reason'],
  elicitations: ['message', 'url', 'schema'],
}

export const migrations: Record<string, Migration> = {
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
      await indexed.create(db)
    },
  },
  '002-status-and-rebuild': {
    async up(db: Kysely<unknown>) {
      for (const columns of [['status'], ['agent', 'status']])
        await db.schema
          .createIndex(`sessions_${columns.join('_')}_activity`)
          .on('sessions')
          .columns([...columns, 'last_activity_at', 'id'])
          .execute()
      await sql`create table sessions_rebuilt (like sessions including all)`.execute(db)
      await rebuilt.create(db)
    },
  },
  '003-approvals': {
    async up(db: Kysely<unknown>) {
      for (const table of ['sessions', 'sessions_rebuilt'])
        await db.schema
          .alterTable(table)
          .addColumn('waiting', 'text', (column) => column.notNull().defaultTo('[]'))
          .execute()
      let approvals = db.schema
        .createTable('approvals')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('must', 'boolean', (column) => column.notNull())
        .addColumn('quorum', 'integer', (column) => column.notNull())
      for (const name of ['session', 'call', 'agent', 'name', 'digest', 'reason', 'state', 'approvers'])
        approvals = approvals.addColumn(name, 'text', (column) => column.notNull())
      for (const name of ['arguments', 'target', 'decided_by', 'decision_reason', 'granted_by'])
        approvals = approvals.addColumn(name, 'text')
      for (const name of ['requested_at', 'last_seq'])
        approvals = approvals.addColumn(name, 'bigint', (column) => column.notNull())
      for (const name of ['expires_at', 'decided_at']) approvals = approvals.addColumn(name, 'bigint')
      await approvals.execute()
      for (const columns of [[], ['state'], ['agent'], ['agent', 'state'], ['session']])
        await db.schema
          .createIndex(['approvals', ...columns, 'requested'].join('_'))
          .on('approvals')
          .columns([...columns, 'requested_at', 'id'])
          .execute()
      await sql`create table approvals_rebuilt (like approvals including all)`.execute(db)
    },
  },
  '004-elicitations': {
    async up(db: Kysely<unknown>) {
      let elicitations = db.schema
        .createTable('elicitations')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('completed', 'boolean', (column) => column.notNull())
        .addColumn('nothing_ran', 'boolean', (column) => column.notNull())
      for (const name of ['session', 'call', 'elicitation', 'agent', 'server', 'mode', 'message', 'state'])
        elicitations = elicitations.addColumn(name, 'text', (column) => column.notNull())
      for (const name of ['url', 'schema', 'answered_by']) elicitations = elicitations.addColumn(name, 'text')
      for (const name of ['requested_at', 'expires_at', 'last_seq'])
        elicitations = elicitations.addColumn(name, 'bigint', (column) => column.notNull())
      elicitations = elicitations.addColumn('ended_at', 'bigint')
      await elicitations.execute()
      for (const columns of [[], ['state'], ['agent'], ['agent', 'state'], ['session']])
        await db.schema
          .createIndex(['elicitations', ...columns, 'requested'].join('_'))
          .on('elicitations')
          .columns([...columns, 'requested_at', 'id'])
          .execute()
      await sql`create table elicitations_rebuilt (like elicitations including all)`.execute(db)
    },
  },
  '005-trees': {
    async up(db: Kysely<unknown>) {
      for (const table of ['sessions', 'sessions_rebuilt'])
        await db.schema
          .createIndex(`${table}_root_activity`)
          .on(table)
          .columns(['root', 'last_activity_at', 'id'])
          .execute()
    },
  },
  '006-work': {
    async up(db: Kysely<unknown>) {
      for (const table of ['sessions', 'sessions_rebuilt']) {
        await db.schema
          .alterTable(table)
          .addColumn('work', 'text', (column) => column.notNull().defaultTo('{"worked":0,"doing":[]}'))
          .execute()
        await db.schema.createIndex(`${table}_root_id`).on(table).columns(['root', 'id']).execute()
      }
      // What waits in a tree: the root is the beginning of each id of it.
      for (const table of ['approvals', 'approvals_rebuilt', 'elicitations', 'elicitations_rebuilt'])
        await sql`create index ${sql.ref(`${table}_root_requested`)} on ${sql.table(table)}
          (left(session, 26), requested_at, id)`.execute(db)
    },
  },
  '007-usage': {
    async up(db: Kysely<unknown>) {
      for (const table of ['sessions', 'sessions_rebuilt'])
        await db.schema
          .alterTable(table)
          .addColumn('usd', 'double precision', (column) => column.notNull().defaultTo(0))
          .addColumn('principal', 'text')
          .addColumn('turn', 'text')
          .execute()
      let usage = db.schema
        .createTable('usage')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('usd', 'double precision', (column) => column.notNull())
        .addColumn('charged_usd', 'double precision', (column) => column.notNull())
      for (const name of ['session', 'root', 'turn', 'agent', 'principal', 'model'])
        usage = usage.addColumn(name, 'text', (column) => column.notNull())
      for (const name of usageCounts) usage = usage.addColumn(name, 'bigint', (column) => column.notNull())
      await usage.execute()
      for (const columns of [['at'], ['agent', 'at'], ['principal', 'at'], ['root', 'at']])
        await db.schema
          .createIndex(`usage_${columns.join('_')}`)
          .on('usage')
          .columns(columns)
          .execute()
      await sql`create table usage_rebuilt (like usage including all)`.execute(db)
    },
  },
  '008-places': {
    async up(db: Kysely<unknown>) {
      await indexed.addPlaces(db)
      await rebuilt.addPlaces(db)
    },
  },
  '010-archived': {
    async up(db: Kysely<unknown>) {
      for (const table of ['sessions', 'sessions_rebuilt']) {
        await db.schema
          .alterTable(table)
          .addColumn('archived', 'boolean', (column) => column.notNull().defaultTo(false))
          .execute()
        // Those that may be archived: of many sessions at rest, few.
        await sql`create index ${sql.ref(`${table}_to_archive`)} on ${sql.table(table)} (last_activity_at, id)
          where not archived and status in ('idle', 'ended')`.execute(db)
      }
    },
  },
  '011-erased': {
    async up(db: Kysely<unknown>) {
      for (const table of ['sessions', 'sessions_rebuilt'])
        await db.schema.alterTable(table).addColumn('erased', 'text').execute()
    },
  },
  '012-no-samples': {
    // Giving a column its type again takes away what was sampled of it before.
    async up(db: Kysely<unknown>) {
      for (const [table, columns] of Object.entries(said))
        for (const each of [table, `${table}_rebuilt`])
          for (const column of columns)
            await sql`alter table ${sql.table(each)} alter column ${sql.ref(column)} set statistics 0,
              alter column ${sql.ref(column)} type text`.execute(db)
    },
  },
  '009-forks': {
    async up(db: Kysely<unknown>) {
      for (const table of ['sessions', 'sessions_rebuilt'])
        await db.schema.alterTable(table).addColumn('forked_from', 'text').addColumn('forked_at', 'bigint').execute()
    },
  },
}
