// The lists of sessions, and of what waits for people in them, read from the index. Everything here needs Postgres, and says so when it is away.
import {
  type ApprovalList,
  type AskedElicitationList,
  type AskUsage,
  type IndexedTree,
  isSessionId,
  type ListSessions,
  type ListWaiting,
  ReinsError,
  rootOf,
  runAgent,
  type SessionInfo,
  type SessionStreams,
  type UsageReport,
} from '@reins/contracts'
import { isAway } from '@reins/projection'
import { infoOf } from '@reins/session'
import { sql } from 'kysely'
import { type CheckpointRow, placesIn } from './index-checkpoint.ts'
import { type ApprovalRow, approvalOf } from './people/approval-row.ts'
import { askedOf, type ElicitationRow } from './people/elicitation-row.ts'
import type { SessionIndex } from './session-index.ts'
import { foldOf, type SessionRow } from './session-row.ts'
import { shown } from './shown.ts'
import type { Database } from './tables.ts'
import { usageReport } from './usage/usage-report.ts'

/** `next` is opaque: give it back as `after`. */
export interface SessionPage {
  readonly sessions: readonly SessionInfo[]
  readonly next?: string
}

/** Of the ten seconds that whoever asks waits. */
const startsWithinMs = 7000

export class SessionLists {
  readonly #db: Database | undefined
  readonly #index: SessionIndex | undefined

  readonly #streams: SessionStreams

  readonly #unreadable: () => readonly string[]

  /** `streams`: that hold the sessions. `unreadable`: those that cannot be read, as far as is known. */
  constructor(
    db: Database | undefined,
    index: SessionIndex | undefined,
    streams: SessionStreams,
    unreadable: () => readonly string[],
  ) {
    this.#unreadable = unreadable
    this.#db = db
    this.#index = index
    this.#streams = streams
  }

  /** Newest activity first. A session that becomes active while pages are read moves before them; none is shown twice else. */
  async list(request: ListSessions): Promise<SessionPage> {
    const { page, next } = await this.#page(request.limit, listQuery(request), pageAfter)
    const unreadable = new Set(this.#unreadable())
    const sessions = page.map(shownAs).map((one) => (unreadable.has(one.id) ? { ...one, unreadable: true } : one))
    return { sessions, ...next }
  }

  /** The newest first. */
  async approvals(request: ListWaiting): Promise<ApprovalList> {
    const { page, next } = await this.#page(request.limit, approvalsQuery(request), waitsAfter)
    return { approvals: page.map(approvalOf), ...next }
  }

  /** The newest first. */
  async elicitations(request: ListWaiting): Promise<AskedElicitationList> {
    const { page, next } = await this.#page(request.limit, elicitationsQuery(request), waitsAfter)
    return { elicitations: page.map(askedOf), ...next }
  }

  /** The query asks for one row more than the page has: so it is known whether another page follows. */
  #page<Row>(
    limit: number,
    query: (db: Database) => { execute(): Promise<Row[]> },
    placeAfter: (last: Row) => string,
  ): Promise<{ readonly page: readonly Row[]; readonly next: { readonly next?: string } }> {
    return this.#read(async (db) => {
      const rows = await query(db).execute()
      const page = rows.slice(0, limit)
      const last = page.at(-1)
      return { page, next: last && rows.length > limit ? { next: placeAfter(last) } : {} }
    })
  }

  /** By id. What is indexed is read first: each row accounts for that much, or for more. */
  async tree({ root, limit, after }: TreeRequest): Promise<IndexedTree> {
    return this.#read(async (db) => {
      const upTo = await indexedUpTo(db, this.#streams, root)
      const rows = await treeQuery(root, limit, after)(db).execute()
      const shown = rows.slice(0, limit)
      const last = shown.at(-1)
      const sessions = shown.map((row) => ({
        info: shownAs(row),
        work: foldOf(row).work,
        ...{ faulted: row.faulted, seq: row.last_seq, n: row.last_n },
      }))
      return last && rows.length > limit ? { upTo, sessions, next: last.id } : { upTo, sessions }
    })
  }

  /** Summed by what is asked for, the largest first. */
  async usage(request: AskUsage): Promise<UsageReport> {
    return this.#read((db) => usageReport(db, request))
  }

  async #read<T>(read: (db: Database) => Promise<T>): Promise<T> {
    const away = (why: string, next: string) =>
      new ReinsError('unavailable', `Sessions cannot be listed: ${why}.`, { next })
    if (!this.#db || !this.#index)
      throw away('no database is configured', 'Set DATABASE_URL for the memory service, or read a session by its id.')
    const waiting = 'Wait until Postgres is back. Meanwhile sessions go on, and you can read each by its id.'
    // The product is ready before Postgres is: whoever asks at once is given a list all the same.
    await this.#index.begun(startsWithinMs)
    const state = this.#index.state()
    if (state.kind === 'waiting') throw away(state.why, waiting)
    if (state.kind === 'starting') throw away('the index is starting', 'Repeat the request.')
    try {
      return await read(this.#db)
    } catch (error) {
      if (isAway(error)) throw away('Postgres does not answer', waiting)
      throw error
    }
  }
}

export interface TreeRequest {
  readonly root: string
  readonly limit: number
  readonly after?: string
}

/** One row more than the page. Sessions that were never started are left out, as in lists. */
export const treeQuery = (root: string, limit: number, after: string | undefined) => (db: Database) => {
  const query = db
    .selectFrom('sessions')
    .selectAll()
    .where('root', '=', root.replaceAll('\0', ''))
    .where('agent', 'is not', null)
  const from = after === undefined ? query : query.where('id', '>', after.replaceAll('\0', ''))
  return from.orderBy('id').limit(limit + 1)
}

/** In the stream of the tree. */
async function indexedUpTo(db: Database, { names, indexOf }: SessionStreams, root: string): Promise<number> {
  const { rows } = await sql<CheckpointRow>`
    select seq, places from session_index_checkpoint where id = 1`.execute(db)
  const places = rows[0] && placesIn(rows[0], names.length)
  return places?.[indexOf(root)] ?? 0
}

/** One row more than the page, so that it shows whether there is another. Each is read along an index. */
export function listQuery({ agent, kind, status, tree, erased, only, limit, after }: ListSessions) {
  const from = after === undefined ? undefined : placeOf(after)
  return (db: Database) => {
    let query = db.selectFrom('sessions').selectAll().where('agent', 'is not', null)
    if (agent !== undefined) query = query.where('agent', '=', agent.replaceAll('\0', ''))
    if (kind === 'run') query = query.where('agent', 'like', `${runAgent('')}%`)
    if (status !== undefined) query = query.where('status', '=', status as SessionRow['status'])
    if (tree !== undefined) query = query.where('root', '=', rootOf(tree.replaceAll('\0', '')))
    if (erased) query = query.where('erased', 'is not', null)
    if (only) query = query.where(shown(only, { session: 'id' }))
    if (from) query = query.where(sql<boolean>`(last_activity_at, id) < (${from.at}, ${from.id})`)
    return query
      .orderBy('last_activity_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
  }
}

export function approvalsQuery({ agent, state, session, tree, only, limit, after }: ListWaiting) {
  const from = after === undefined ? undefined : waitsPlace(after)
  return (db: Database) => {
    let query = db.selectFrom('approvals').selectAll()
    if (agent !== undefined) query = query.where('agent', '=', agent.replaceAll('\0', ''))
    if (state !== undefined) query = query.where('state', '=', state as ApprovalRow['state'])
    if (session !== undefined) query = query.where('session', '=', session.replaceAll('\0', ''))
    if (tree !== undefined) query = query.where(sql<string>`left(session, 26)`, '=', rootOf(tree.replaceAll('\0', '')))
    if (only) query = query.where(shown(only, { session: 'session', tool: 'name' }))
    if (from) query = query.where(sql<boolean>`(requested_at, id) < (${from.at}, ${from.id})`)
    return query
      .orderBy('requested_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
  }
}

export function elicitationsQuery({ agent, state, session, tree, only, limit, after }: ListWaiting) {
  const from = after === undefined ? undefined : waitsPlace(after)
  return (db: Database) => {
    let query = db.selectFrom('elicitations').selectAll()
    if (agent !== undefined) query = query.where('agent', '=', agent.replaceAll('\0', ''))
    if (state === 'waiting') query = query.where('state', 'in', ['waiting', 'accepted'])
    else if (state !== undefined) query = query.where('state', '=', state as ElicitationRow['state'])
    if (session !== undefined) query = query.where('session', '=', session.replaceAll('\0', ''))
    if (tree !== undefined) query = query.where(sql<string>`left(session, 26)`, '=', rootOf(tree.replaceAll('\0', '')))
    if (only) query = query.where(shown(only, { session: 'session' }))
    if (from) query = query.where(sql<boolean>`(requested_at, id) < (${from.at}, ${from.id})`)
    return query
      .orderBy('requested_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
  }
}

const waitsAfter = (row: ApprovalRow | ElicitationRow): string =>
  Buffer.from(`${row.requested_at}.${row.id}`).toString('base64url')
function waitsPlace(page: string): Place {
  const [, at, id] = /^(\d{1,16})\.([^\0]{1,300})$/.exec(Buffer.from(page, 'base64url').toString()) ?? []
  if (id === undefined || !Number.isSafeInteger(Number(at))) throw noPage()
  return { at: Number(at), id }
}

const noPage = (): ReinsError =>
  new ReinsError('invalid_request', '"after" does not name a page of this list: give the "next" of the page before it.')

const shownAs = (row: SessionRow): SessionInfo => infoOf(row.id, foldOf(row))

interface Place {
  readonly at: number
  readonly id: string
}

const pageAfter = (row: SessionRow): string => Buffer.from(`${row.last_activity_at}.${row.id}`).toString('base64url')
export function placeOf(page: string): Place {
  const [, at, id] = /^(\d{1,16})\.(.+)$/.exec(Buffer.from(page, 'base64url').toString()) ?? []
  if (id === undefined || !isSessionId(id) || !Number.isSafeInteger(Number(at))) throw noPage()
  return { at: Number(at), id }
}
