// Rows of the index that follow the frames of sessions, and a rebuilt table put in the place of the other.
//   ST1. What a batch changes and how far the index is are written in one statement, and only where the checkpoint is still where this
//        process has brought it. So what it remembers of the rows is what they are: nobody else has written since.
//   ST2. What it remembers is forgotten when a statement fails, or finds the checkpoint elsewhere.
import { erasedIn } from '@reins/session'
import { sql } from 'kysely'
import { type ArchivedBefore, withArchived } from './archived-frames.ts'
import {
  type CheckpointRow,
  type IndexCheckpoint,
  type Places,
  placesIn,
  type StreamsIdentity,
} from './index-checkpoint.ts'
import { KnownRows } from './known-rows.ts'
import { changedApprovals } from './people/approval-table.ts'
import { changedElicitations } from './people/elicitation-table.ts'
import { applyFrame, type SessionRow } from './session-row.ts'
import { joiningAll, placesAfter, type StoredFrame } from './session-stream.ts'
import {
  type ApprovalsTable,
  type Database,
  type ElicitationsTable,
  indexed,
  rebuilt,
  rebuiltTables,
  type SessionsTable,
  type Tables,
  type UsageTable,
} from './tables.ts'
import type { UsageRow } from './usage/usage-row.ts'
import { changedUsage } from './usage/usage-table.ts'

type TableNames = readonly [SessionsTable, ApprovalsTable, ElicitationsTable, UsageTable]

export class IndexedSessions {
  readonly #checkpoint: IndexCheckpoint<Tables>
  readonly #tables: TableNames
  readonly #known = new KnownRows<SessionRow>()
  readonly #knownUsage = new KnownRows<UsageRow>()
  #places: Places = []
  #streams: StreamsIdentity = { identity: '', count: 0 }

  readonly #archived: ArchivedBefore

  private constructor(checkpoint: IndexCheckpoint<Tables>, tables: TableNames, archived: ArchivedBefore) {
    this.#checkpoint = checkpoint
    this.#tables = tables
    this.#archived = archived
  }

  static inUse(archived: ArchivedBefore): IndexedSessions {
    return new IndexedSessions(indexed, ['sessions', 'approvals', 'elicitations', 'usage'], archived)
  }

  static rebuilt(archived: ArchivedBefore): IndexedSessions {
    const tables = ['sessions_rebuilt', 'approvals_rebuilt', 'elicitations_rebuilt', 'usage_rebuilt'] as const
    return new IndexedSessions(rebuilt, tables, archived)
  }

  /** The last sequence of each stream that the rows account for. */
  get places(): Places {
    return this.#places
  }

  /** Reads how far the rows are; rows of other streams are thrown away. */
  async begin(db: Database, streams: StreamsIdentity): Promise<void> {
    this.#forget()
    this.#places = await this.#checkpoint.startingPoint(db, streams)
    this.#streams = streams
  }

  async startOver(db: Database, streams: StreamsIdentity): Promise<void> {
    this.#forget()
    this.#places = await this.#checkpoint.startOver(db, streams)
    this.#streams = streams
  }

  /** What does not join changes nothing. Another instance may have been faster, or have started over: `places` says where things are. */
  async apply(db: Database, batch: readonly StoredFrame[]): Promise<void> {
    const joined = joiningAll(batch, this.#places)
    if (joined.length === 0) return this.begin(db, this.#streams)
    const next = placesAfter(this.#places, joined)
    try {
      const [table, approvals, elicitations, usage] = this.#tables
      const before = await this.#before(db, joined)
      const news = await withArchived(joined, before, this.#archived)
      const rows = project(before, news)
      const agents = new Map([...before, ...rows].map(({ id, agent }) => [id, agent ?? '']))
      const agentOf = (session: string) => agents.get(session) ?? ''
      const asked = before.filter(({ waiting }) => waiting.includes('"elicitation"')).map(({ id }) => id)
      const after = new Map([...before, ...rows].map((row) => [row.id, row]))
      const used = await changedUsage(db, usage, this.#knownUsage, news, before, after)
      const at = { places: this.#places, identity: this.#streams.identity }
      // Before the rows say so: who ends in between does it again.
      const erased = news.flatMap(({ owner, frame }) => (owner && frame && erasedIn(frame) ? [owner.session] : []))
      if (erased.length > 0)
        for (const each of [approvals, elicitations]) await db.deleteFrom(each).where('session', 'in', erased).execute()
      const kept = <Row extends { readonly session: string }>(all: readonly Row[]) =>
        all.filter(({ session }) => !erased.includes(session))
      const moved = await this.#checkpoint.moveOn(db, at, next, [
        { table, rows },
        { table: approvals, rows: kept(await changedApprovals(db, approvals, news, agentOf)) },
        { table: elicitations, rows: kept(await changedElicitations(db, elicitations, news, agentOf, asked)) },
        { table: usage, rows: used },
      ])
      if (!moved) return await this.begin(db, this.#streams) // ST2
      if (erased.length > 0 && table === 'sessions') await dropErasedOfRebuild(db)
      this.#known.keep(rows)
      this.#knownUsage.keep(used)
      this.#places = next
    } catch (error) {
      this.#forget() // ST2
      throw error
    }
  }

  #forget(): void {
    this.#known.clear()
    this.#knownUsage.clear()
  }

  /** The rows of the sessions that the news is about, as far as there are any. */
  async #before(db: Database, news: readonly StoredFrame[]): Promise<readonly SessionRow[]> {
    const ids = [...new Set(news.flatMap(({ owner }) => (owner ? [owner.session] : [])))]
    const known = this.#known.of(ids)
    const unknown = ids.filter((id) => !known.has(id))
    if (unknown.length > 0) {
      const [table] = this.#tables
      for (const row of await db.selectFrom(table).selectAll().where('id', 'in', unknown).execute())
        known.set(row.id, row)
    }
    return [...known.values()]
  }
}

/**
 * What a rebuild has written of sessions that were erased since: who rebuilt may have died, and nobody else looks at these tables. A rebuild
 * that goes on makes such a row again, of the frame that says so.
 */
export async function dropErasedOfRebuild(db: Database): Promise<void> {
  const erased = sql`select id from sessions where erased is not null`
  await sql`delete from sessions_rebuilt where erased is null and id in (${erased})`.execute(db)
  for (const table of ['approvals_rebuilt', 'elicitations_rebuilt'])
    await sql`delete from ${sql.table(table)} where session in (${erased})`.execute(db)
}

/**
 * Puts the rebuilt rows in the place of the others, where they account for as much; false where there is news that they lack.
 * Who reads a list meanwhile waits for some milliseconds.
 */
export const takeRebuilt = (db: Database, count: number): Promise<boolean> =>
  db.transaction().execute(async (trx) => {
    const { rows } = await sql<CheckpointRow & { rebuilt: number; rebuilt_places: string | null }>`
      select indexed.seq, indexed.places, rebuilt.seq as rebuilt, rebuilt.places as rebuilt_places
      from session_index_checkpoint indexed, session_rebuild_checkpoint rebuilt
      where rebuilt.stream = indexed.stream for update`.execute(trx)
    const [row] = rows
    if (!row || !isLevel({ seq: row.rebuilt, places: row.rebuilt_places }, row, count)) return false
    for (const table of rebuiltTables) {
      await sql`alter table ${sql.table(table)} rename to ${sql.table(`${table}_before`)}`.execute(trx)
      await sql`alter table ${sql.table(`${table}_rebuilt`)} rename to ${sql.table(table)}`.execute(trx)
      await sql`alter table ${sql.table(`${table}_before`)} rename to ${sql.table(`${table}_rebuilt`)}`.execute(trx)
    }
    await sql`update session_index_checkpoint set seq = rebuilt.seq, places = rebuilt.places
      from session_rebuild_checkpoint rebuilt where session_index_checkpoint.id = 1 and rebuilt.id = 1`.execute(trx)
    await sql`truncate sessions_rebuilt, approvals_rebuilt, elicitations_rebuilt, usage_rebuilt`.execute(trx)
    await sql`delete from session_rebuild_checkpoint`.execute(trx)
    return true
  })

/** In each of so many streams. */
function isLevel(rebuilt: CheckpointRow, indexed: CheckpointRow, count: number): boolean {
  const places = placesIn(rebuilt, count)
  return placesIn(indexed, count)?.every((place, at) => (places?.[at] ?? -1) >= place) ?? false
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
