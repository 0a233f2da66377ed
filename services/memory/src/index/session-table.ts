// Frames applied to the rows of the index, and a rebuilt table put in the place of the other.
import { sql, type Transaction } from 'kysely'
import { applyApprovalsTo } from './approval-table.ts'
import { applyFrame, type SessionRow } from './session-row.ts'
import type { StoredFrame } from './session-stream.ts'
import { type ApprovalsTable, type Database, indexed, rebuilt, type SessionsTable, type Tables } from './tables.ts'

/** Gives the checkpoint after it; what does not join the checkpoint changes nothing. */
export const applyBatch = (db: Database, batch: readonly StoredFrame[]): Promise<number> =>
  indexed.advance(db, batch, (trx, news) => applyTo(trx, 'sessions', 'approvals', news))

export const applyToRebuilt = (db: Database, batch: readonly StoredFrame[]): Promise<number> =>
  rebuilt.advance(db, batch, (trx, news) => applyTo(trx, 'sessions_rebuilt', 'approvals_rebuilt', news))

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
    for (const table of ['sessions', 'approvals']) {
      await sql`alter table ${sql.table(table)} rename to ${sql.table(`${table}_before`)}`.execute(trx)
      await sql`alter table ${sql.table(`${table}_rebuilt`)} rename to ${sql.table(table)}`.execute(trx)
      await sql`alter table ${sql.table(`${table}_before`)} rename to ${sql.table(`${table}_rebuilt`)}`.execute(trx)
    }
    await sql`update session_index_checkpoint set seq = (select seq from session_rebuild_checkpoint where id = 1)
      where id = 1`.execute(trx)
    await sql`truncate sessions_rebuilt, approvals_rebuilt`.execute(trx)
    await sql`delete from session_rebuild_checkpoint`.execute(trx)
    return true
  })

async function applyTo(
  trx: Transaction<Tables>,
  table: SessionsTable,
  approvals: ApprovalsTable,
  news: readonly StoredFrame[],
): Promise<void> {
  const ids = [...new Set(news.flatMap(({ owner }) => (owner ? [owner.session] : [])))]
  const known = ids.length === 0 ? [] : await trx.selectFrom(table).selectAll().where('id', 'in', ids).execute()
  const rows = project(known, news)
  if (rows.length > 0) await upsert(trx, table, rows)
  const agents = new Map([...known, ...rows].map(({ id, agent }) => [id, agent ?? '']))
  await applyApprovalsTo(trx, approvals, news, (session) => agents.get(session) ?? '')
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

async function upsert(trx: Transaction<Tables>, table: SessionsTable, rows: readonly SessionRow[]): Promise<void> {
  const [first] = rows
  if (!first) return
  const columns = (Object.keys(first) as (keyof SessionRow)[]).filter((column) => column !== 'id')
  await trx
    .insertInto(table)
    .values([...rows])
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet((eb) => Object.fromEntries(columns.map((column) => [column, eb.ref(`excluded.${column}`)]))),
    )
    .execute()
}
