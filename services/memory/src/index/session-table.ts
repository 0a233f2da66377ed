// Frames applied to the rows of the index, and a rebuilt table put in the place of the other.
import { sql, type Transaction } from 'kysely'
import { applyApprovalsTo } from './approval-table.ts'
import { applyElicitationsTo } from './elicitation-table.ts'
import { applyFrame, type SessionRow } from './session-row.ts'
import type { StoredFrame } from './session-stream.ts'
import {
  type ApprovalsTable,
  type Database,
  type ElicitationsTable,
  indexed,
  rebuilt,
  rebuiltTables,
  type SessionsTable,
  type Tables,
} from './tables.ts'
import { upsert } from './upsert.ts'

/** Gives the checkpoint after it; what does not join the checkpoint changes nothing. */
export const applyBatch = (db: Database, batch: readonly StoredFrame[]): Promise<number> =>
  indexed.advance(db, batch, (trx, news) => applyTo(trx, ['sessions', 'approvals', 'elicitations'], news))

export const applyToRebuilt = (db: Database, batch: readonly StoredFrame[]): Promise<number> =>
  rebuilt.advance(db, batch, (trx, news) =>
    applyTo(trx, ['sessions_rebuilt', 'approvals_rebuilt', 'elicitations_rebuilt'], news),
  )

/**
 * Puts the rebuilt rows in the place of the others, where they account for as much; false where there is news that they lack.
 * Who reads a list meanwhile waits for some milliseconds.
 */
export const takeRebuilt = (db: Database): Promise<boolean> =>
  db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ level: boolean }>`
      select rebuilt.seq >= indexed.seq and rebuilt.stream = indexed.stream as level
      from session_index_checkpoint indexed, session_rebuild_checkpoint rebuilt for update`.execute(trx)
    if (!rows[0]?.level) return false
    for (const table of rebuiltTables) {
      await sql`alter table ${sql.table(table)} rename to ${sql.table(`${table}_before`)}`.execute(trx)
      await sql`alter table ${sql.table(`${table}_rebuilt`)} rename to ${sql.table(table)}`.execute(trx)
      await sql`alter table ${sql.table(`${table}_before`)} rename to ${sql.table(`${table}_rebuilt`)}`.execute(trx)
    }
    await sql`update session_index_checkpoint set seq = (select seq from session_rebuild_checkpoint where id = 1)
      where id = 1`.execute(trx)
    await sql`truncate sessions_rebuilt, approvals_rebuilt, elicitations_rebuilt`.execute(trx)
    await sql`delete from session_rebuild_checkpoint`.execute(trx)
    return true
  })

async function applyTo(
  trx: Transaction<Tables>,
  [table, approvals, elicitations]: readonly [SessionsTable, ApprovalsTable, ElicitationsTable],
  news: readonly StoredFrame[],
): Promise<void> {
  const ids = [...new Set(news.flatMap(({ owner }) => (owner ? [owner.session] : [])))]
  const known = ids.length === 0 ? [] : await trx.selectFrom(table).selectAll().where('id', 'in', ids).execute()
  const rows = project(known, news)
  if (rows.length > 0) await upsert(trx, table, rows)
  const agents = new Map([...known, ...rows].map(({ id, agent }) => [id, agent ?? '']))
  const agentOf = (session: string) => agents.get(session) ?? ''
  await applyApprovalsTo(trx, approvals, news, agentOf)
  const asked = known.filter(({ waiting }) => waiting.includes('"elicitation"')).map(({ id }) => id)
  await applyElicitationsTo(trx, elicitations, news, agentOf, asked)
}

/** The rows that the batch changes. */
export function project(known: readonly SessionRow[], batch: readonly StoredFrame[]): readonly SessionRow[] {
  const rows = new Map(known.map((row) => [row.id, row]))
  const changed = new Set<string>()
  for (const { owner, frame, storedAt } of batch) {
    if (!owner || !frame) continue
    const before = rows.get(owner.session)
    const after = applyFrame(before, owner, frame, storedAt)
    if (after === before) continue
    rows.set(owner.session, after)
    changed.add(owner.session)
  }
  return [...changed].flatMap((id) => rows.get(id) ?? [])
}
