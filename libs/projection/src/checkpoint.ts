// How far a projection is: one row, which is always committed together with the rows that it accounts for.
//   C1. What is committed is never applied again: what the checkpoint accounts for is passed over.
//   C2. A batch that does not join the checkpoint changes nothing: the checkpoint would hide for ever what is missing between them.
//   C3. Rows are derived from one stream. The checkpoint names it (by its creation time), and rows of another one are thrown away.
import { type Kysely, sql, type Transaction } from 'kysely'

/** What a projection applies, in the order of its stream. */
export interface Applicable {
  readonly seq: number
  /** The sequence behind which it is the first that the projection is to see; 0 for the first of all. */
  readonly previous: number
}

interface Row {
  readonly seq: number
  readonly stream: string
}

export interface Checkpoint<Tables> {
  /** For a migration: makes the table. */
  create(db: Kysely<unknown>): Promise<void>
  /** The sequence that the rows account for; 0, with no rows, where they are of another stream (C3). */
  startingPoint(db: Kysely<Tables>, stream: string): Promise<number>
  /** Throws all rows away. */
  startOver(db: Kysely<Tables>, stream: string): Promise<void>
  /**
   * Applies the batch, or what of it is new and joins, in one transaction, and gives the checkpoint after it. Another instance may
   * have been faster, or have started over: whoever called reads what is missing.
   */
  advance<T extends Applicable>(
    db: Kysely<Tables>,
    batch: readonly T[],
    apply: (trx: Transaction<Tables>, news: readonly T[]) => Promise<void>,
  ): Promise<number>
}

/** `table` holds the checkpoint; `clear` deletes the rows that it accounts for. */
export function checkpointIn<Tables>(
  table: string,
  clear: (trx: Transaction<Tables>) => Promise<void>,
): Checkpoint<Tables> {
  const name = sql.table(table)

  async function lockRow(trx: Transaction<Tables>): Promise<Row | undefined> {
    const { rows } = await sql<Row>`select seq, stream from ${name} where id = 1 for update`.execute(trx)
    return rows[0]
  }
  async function reset(trx: Transaction<Tables>, stream: string): Promise<void> {
    await clear(trx)
    await sql`insert into ${name} (id, seq, stream) values (1, 0, ${stream})
      on conflict (id) do update set seq = 0, stream = ${stream}`.execute(trx)
  }

  return {
    async create(db) {
      await sql`create table ${name} (id integer primary key, seq bigint not null, stream text not null)`.execute(db)
    },
    startingPoint: (db, stream) =>
      db.transaction().execute(async (trx) => {
        const row = await lockRow(trx)
        if (row?.stream === stream) return row.seq
        await reset(trx, stream)
        return 0
      }),
    startOver: (db, stream) => db.transaction().execute((trx) => reset(trx, stream)),
    advance: (db, batch, apply) =>
      db.transaction().execute(async (trx) => {
        // Rows and checkpoint are lost together at a crash of Postgres, and read again from the stream: no reason to wait for the disk.
        await sql`set local synchronous_commit = off`.execute(trx)
        const row = await lockRow(trx)
        if (!row) throw new Error(`${table} is empty: its row was deleted while the projection ran`)
        const news = joining(batch, row.seq)
        const last = news.at(-1)
        if (!last) return row.seq
        await apply(trx, news)
        await sql`update ${name} set seq = ${last.seq} where id = 1`.execute(trx)
        return last.seq
      }),
  }
}

/** What lies behind `seq`, as far as each one follows the one before it (C1, C2). */
export function joining<T extends Applicable>(batch: readonly T[], seq: number): readonly T[] {
  const joined: T[] = []
  for (const one of batch) {
    const at = joined.at(-1)?.seq ?? seq
    if (one.seq <= at) continue
    if (one.previous > at) break
    joined.push(one)
  }
  return joined
}
