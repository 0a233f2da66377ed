// The tables of the projection of REG.
import { checkpointIn } from '@reins/projection'
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

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
  agent_definitions: { digest: string; definition: string }
}

export type Database = Kysely<Tables>

/** How far REG has been projected. */
export const projected = checkpointIn<Tables>('registry_checkpoint', async (trx) => {
  for (const table of ['agents', 'agent_definitions'] as const) await trx.deleteFrom(table).execute()
})

export const migrations: Record<string, Migration> = {
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
      await projected.create(db)
    },
  },
  '002-no-history': {
    async up(db: Kysely<unknown>) {
      await db.schema.dropTable('agent_versions').execute()
    },
  },
}
