// How far the index has come in each of the streams that hold the sessions: one row, always written together with the rows that it
// accounts for, as every checkpoint is (libs/projection).
//   IC1. In the one stream that is `seq`. In several it is `places`, a number for each, and `seq` is their sum.
//   IC2. The checkpoint names the streams, and rows of other ones are thrown away. Streams that sessions were moved to from the one have
//        its name, and its sequences: what it accounted for is accounted for in each of them. A process that has not noticed yet that they
//        were moved throws nothing away: it waits until it has.
import { type RowWrite, writeFrom } from '@reins/projection'
import { type Kysely, sql, type Transaction } from 'kysely'

/** The last sequence that is accounted for in each stream, in the order of the streams. */
export type Places = readonly number[]

/** Tells these streams from others of the same names. */
export interface StreamsIdentity {
  readonly identity: string
  readonly count: number
}

export interface CheckpointRow {
  readonly seq: number
  readonly places: string | null
}

export interface IndexCheckpoint<Tables> {
  /** For a migration: makes the table, as it was when there was one stream. */
  create(db: Kysely<unknown>): Promise<void>
  /** For a later migration. */
  addPlaces(db: Kysely<unknown>): Promise<void>
  /** What the rows account for; the beginning, with no rows, where they are of other streams (IC2). */
  startingPoint(db: Kysely<Tables>, streams: StreamsIdentity): Promise<Places>
  /** Throws all rows away. */
  startOver(db: Kysely<Tables>, streams: StreamsIdentity): Promise<Places>
  /** In one statement: moves on to `to` and writes the rows, and gives true; or changes nothing, where it is not at `from` any more. */
  moveOn(
    db: Kysely<Tables>,
    from: { readonly places: Places; readonly identity: string },
    to: Places,
    writes: readonly RowWrite[],
  ): Promise<boolean>
}

export const sumOf = (places: Places): number => places.reduce((sum, place) => sum + place, 0)
export const textOf = (places: Places): string => places.join('.')

/** undefined: it says nothing of so many streams. */
export function placesIn({ seq, places }: CheckpointRow, count: number): Places | undefined {
  if (places === null) return Array.from({ length: count }, () => seq)
  const found = places.split('.').map(Number)
  return found.length === count && found.every(Number.isSafeInteger) ? found : undefined
}

/** IC1. */
const rowOf = (places: Places): CheckpointRow => ({
  seq: sumOf(places),
  places: places.length === 1 ? null : textOf(places),
})

/** `table` holds the checkpoint; `clear` deletes the rows that it accounts for. */
export function indexCheckpointIn<Tables>(
  table: string,
  clear: (trx: Transaction<Tables>) => Promise<void>,
): IndexCheckpoint<Tables> {
  const name = sql.table(table)

  async function write(trx: Transaction<Tables>, places: Places, identity: string): Promise<void> {
    const row = rowOf(places)
    await sql`insert into ${name} (id, seq, places, stream) values (1, ${row.seq}, ${row.places}, ${identity})
      on conflict (id) do update set seq = ${row.seq}, places = ${row.places}, stream = ${identity}`.execute(trx)
  }
  async function reset(trx: Transaction<Tables>, { identity, count }: StreamsIdentity): Promise<Places> {
    await clear(trx)
    const places = Array.from({ length: count }, () => 0)
    await write(trx, places, identity)
    return places
  }

  return {
    async create(db) {
      await sql`create table ${name} (id integer primary key, seq bigint not null, stream text not null)`.execute(db)
    },
    async addPlaces(db) {
      await sql`alter table ${name} add column places text`.execute(db)
    },
    startingPoint: (db, streams) =>
      db.transaction().execute(async (trx) => {
        const { rows } = await sql<CheckpointRow & { stream: string }>`
          select seq, places, stream from ${name} where id = 1 for update`.execute(trx)
        const [row] = rows
        const ours = row?.stream === streams.identity
        if (ours && row.places !== null && streams.count === 1)
          throw new Error('the sessions were split over several streams')
        const places = ours ? placesIn(row, streams.count) : undefined
        if (!places) return reset(trx, streams)
        if (row?.places === null && streams.count > 1) await write(trx, places, streams.identity) // IC2: moved
        return places
      }),
    startOver: (db, streams) => db.transaction().execute((trx) => reset(trx, streams)),
    async moveOn(db, from, to, writes) {
      const next = rowOf(to)
      const parts = writes
        .filter(({ rows }) => rows.length > 0)
        .map((one, at) => writeFrom(`written_${at}`, 'moved', one))
      const { rows } = await sql<{ moved: number }>`with moved as
        (update ${name} set seq = ${next.seq}, places = ${next.places}
          where id = 1 and coalesce(places, seq::text) = ${textOf(from.places)} and stream = ${from.identity} returning 1)
        ${parts.length > 0 ? sql`, ${sql.join(parts)}` : sql``}
        select count(*)::integer as moved from moved`.execute(db)
      return rows[0]?.moved === 1
    },
  }
}
