// The rows of the index and the sequence that they account for, always committed together.
import { sql } from 'kysely'
import type { Database } from './database.ts'
import { applyFrame, type SessionRow } from './session-row.ts'
import type { StoredFrame } from './session-stream.ts'

/** The sequence that the rows account for; 0, with no rows, where they are of another stream. */
export async function startingPoint(db: Database, stream: string): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const row = await trx
      .selectFrom('session_index_checkpoint')
      .selectAll()
      .where('id', '=', 1)
      .forUpdate()
      .executeTakeFirst()
    if (row?.stream === stream) return row.seq
    await reset(trx, stream)
    return 0
  })
}

export const startOver = (db: Database, stream: string): Promise<void> =>
  db.transaction().execute((trx) => reset(trx, stream))

async function reset(trx: Database, stream: string): Promise<void> {
  await trx.deleteFrom('sessions').execute()
  await trx
    .insertInto('session_index_checkpoint')
    .values({ id: 1, seq: 0, stream })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ seq: 0, stream }))
    .execute()
}

/**
 * Applies a batch in one transaction, and gives the checkpoint after it. Another instance may have been faster, or has started over:
 * what the checkpoint accounts for is passed over, and what does not join it changes nothing. Whoever called reads what is missing.
 */
export async function applyBatch(db: Database, batch: readonly StoredFrame[]): Promise<number> {
  return db.transaction().execute(async (trx) => {
    // Rows and checkpoint are lost together at a crash of Postgres, and read again from the stream: no reason to wait for the disk.
    await sql`set local synchronous_commit = off`.execute(trx)
    const { seq } = await trx
      .selectFrom('session_index_checkpoint')
      .select('seq')
      .where('id', '=', 1)
      .forUpdate()
      .executeTakeFirstOrThrow()
    const news = joining(batch, seq)
    const last = news.at(-1)
    if (!last) return seq
    const rows = project(await rowsOf(trx, news), news)
    if (rows.length > 0) await upsert(trx, rows)
    await trx.updateTable('session_index_checkpoint').set({ seq: last.seq }).where('id', '=', 1).execute()
    return last.seq
  })
}

/** The frames behind `seq`, as far as each one follows the one before it. */
export function joining(batch: readonly StoredFrame[], seq: number): readonly StoredFrame[] {
  const joined: StoredFrame[] = []
  for (const one of batch) {
    const at = joined.at(-1)?.seq ?? seq
    if (one.seq <= at) continue
    if (one.previous > at) break
    joined.push(one)
  }
  return joined
}

async function rowsOf(trx: Database, batch: readonly StoredFrame[]): Promise<readonly SessionRow[]> {
  const ids = [...new Set(batch.flatMap(({ owner }) => (owner ? [owner.session] : [])))]
  return ids.length === 0 ? [] : trx.selectFrom('sessions').selectAll().where('id', 'in', ids).execute()
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

async function upsert(trx: Database, rows: readonly SessionRow[]): Promise<void> {
  const [first] = rows
  if (!first) return
  const columns = (Object.keys(first) as (keyof SessionRow)[]).filter((column) => column !== 'id')
  await trx
    .insertInto('sessions')
    .values([...rows])
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet((eb) => Object.fromEntries(columns.map((column) => [column, eb.ref(`excluded.${column}`)]))),
    )
    .execute()
}
