// What a client may read of a session: from the stream itself, so it needs no index and no database.
import {
  type ApiEvent,
  type AskUsage,
  type Cursor,
  type EventPage,
  encodeCursor,
  eventsJsonOf,
  type FramePage,
  isSessionId,
  type ListSessions,
  ReinsError,
  type SessionInfo,
  type SessionList,
  type SessionState,
  type UsageReport,
  upToEvent,
} from '@reins/contracts'
import { placeBefore, type SessionFrame, type SessionLog, type Snapshots } from '@reins/journal'
import { cover, foldFrame, type Session, waitingBytes, weigh } from '@reins/session'
import type { CallService } from '../../ports.ts'
import { everything } from '../access/needs.ts'
import type { SessionAgents } from '../access/session-agents.ts'
import { allowedTo, authorizeSome, type Caller } from '../caller.ts'
import type { PoolBoard } from '../operating/pools.ts'
import type { QueueBoard } from '../operating/queue-board.ts'
import type { SlowCalls } from '../operating/slow-calls.ts'
import { operations } from '../operations.ts'
import type { ErasedSessions } from '../sessions/erasures.ts'
import { type Appender, notFound } from '../writes/appender.ts'
import { resolveCursor, viewOf } from './cursors.ts'
import { foldBefore } from './fold-before.ts'
import { fromIndex, onlyOf } from './from-index.ts'
import { framesOf, type SessionFolds, treeFramesOf } from './session-folds.ts'
import { apiEvents, type View } from './views.ts'

export interface ReadParts {
  readonly sessions: SessionLog
  readonly snapshots: Pick<Snapshots, 'read'> | undefined
  readonly appender: Appender
  readonly call: CallService
  readonly folds: SessionFolds
  readonly access: SessionAgents
  readonly erased: ErasedSessions
  readonly queues: Pick<QueueBoard, 'of'>
  readonly slow: Pick<SlowCalls, 'of'>
  readonly pools: Pick<PoolBoard, 'unserved'>
  /** Sessions that this process could not read. */
  readonly unreadable: () => readonly string[]
  /** epoch ms */
  readonly now: () => number
}

/** A page is over behind the event that makes it so large, whatever its limit: it is one text in memory. */
const maxPageBytes = 4_000_000

/** A state is one text in memory. */
const maxStateBytes = 32_000_000

function mustFit(session: Session): void {
  const bytes = weigh(session).bytes + waitingBytes(session)
  if (bytes <= maxStateBytes) return
  throw new ReinsError(
    'session_too_large',
    `The state of the session takes about ${Math.ceil(bytes / 1_000_000)} MB, and an answer at most ${maxStateBytes / 1_000_000} MB.`,
    { next: 'Read the session page by page: reins session events' },
  )
}

/** ms in which whoever serves a session has begun. */
const stillMs = 1_000

export class SessionReads {
  readonly #parts: ReadParts

  constructor(parts: ReadParts) {
    this.#parts = parts
  }

  /** Throws session_not_found. */
  async info(caller: Caller, session: string): Promise<SessionInfo> {
    await this.#parts.access.authorize(caller, operations.showSession, session)
    const info = await this.#parts.folds.info(session)
    const queued = this.#parts.queues.of(session)
    const slow = [...this.#parts.slow.of(session)]
    const unserved = queued ? undefined : await this.#unserved(info)
    return {
      ...info,
      ...(queued ? { queued } : {}),
      ...(slow.length > 0 ? { slow } : {}),
      ...(unserved ? { unserved } : {}),
    }
  }

  /** Of a session that has stood still for a moment, though somebody should go on with it. */
  async #unserved({ id, status, lastActivityAt }: SessionInfo): Promise<SessionInfo['unserved']> {
    if (status === 'ended' || this.#parts.now() - lastActivityAt < stillMs) return undefined
    const { fold } = await this.#parts.folds.folded(id)
    const { born } = fold.session
    const kinds = new Set(cover(fold.session).map(({ kind }) => kind))
    if (!born || fold.session.beyond) return undefined
    if (kinds.has('exec-trigger')) return this.#parts.pools.unserved('exec', born.pools.executor)
    return kinds.has('runner') ? this.#parts.pools.unserved('tool', born.pools.tools) : undefined
  }

  /** From the index: what has just happened may not be in it. */
  async usage(caller: Caller, request: AskUsage): Promise<UsageReport> {
    const allowed = authorizeSome(caller, operations.reportUsage)
    return fromIndex(this.#parts.call, 'usage.report', { ...request, ...onlyOf(allowed) })
  }

  /** The folded state at a cursor, or at the end. */
  async state(caller: Caller, session: string, at: string | undefined): Promise<SessionState> {
    await this.#parts.access.authorize(caller, operations.showState, session)
    await this.#mustExist(session)
    if (at === undefined) {
      const { info, fold } = await this.#parts.folds.folded(session)
      mustFit(fold.session)
      const cursor = encodeCursor({ of: session, tree: false, ...info.last })
      return { id: session, cursor, status: info.status, state: fold.session }
    }
    const cursor = await resolveCursor(this.#parts.sessions, viewOf(session, false), at)
    // A cursor can stand inside its frame, so that the snapshot at this frame would be too new.
    let fold = await foldBefore(this.#parts, session, cursor.n)
    for await (const frame of framesOf(this.#parts.sessions, session, fold.head.seq, cursor.n - fold.head.n)) {
      if (frame.n > cursor.n) break
      // A cursor can stand inside a frame: what comes after it in the frame has not happened yet.
      fold = foldFrame(fold, frame.n === cursor.n ? upToEvent(frame, cursor.i) : frame)
    }
    mustFit(fold.session)
    return { id: session, cursor: encodeCursor(cursor), status: fold.head.status, state: fold.session }
  }

  /** Up to `limit` frames with a sequence above `after`, as the log has them. */
  async frames(caller: Caller, session: string, after: number, limit: number): Promise<FramePage> {
    await this.#parts.access.authorize(caller, operations.readFrames, session)
    // Of a session that was erased, too: whoever verifies it is shown what is left, which says so.
    if (!isSessionId(session)) throw notFound(session)
    await this.#parts.appender.existing(session)
    const frames: FramePage['frames'] = []
    let bytes = 0
    for await (const frame of framesOf(this.#parts.sessions, session, after, limit + 1)) {
      if (frames.length === limit || bytes > maxPageBytes) return { frames, more: true }
      const text = eventsJsonOf(frame)
      const { seq, id, n, prev, at, by, role, needs, status, pool, hash, seal, fault } = frame
      bytes += text.length
      const shown = {
        ...{ seq, id, n, prev, at, by, role, needs, status, pool, hash, events: text },
        ...(seal === undefined ? {} : { seal }),
      }
      frames.push(fault === undefined ? shown : { ...shown, fault })
    }
    return { frames, more: false }
  }

  /** Up to `limit` events behind a cursor. */
  async page(
    caller: Caller,
    session: string,
    after: string | undefined,
    limit: number,
    tree: boolean,
  ): Promise<EventPage> {
    await this.#parts.access.authorize(caller, operations.readEvents, session)
    const view = viewOf(session, tree)
    await this.#mustExist(session)
    const cursor = await resolveCursor(this.#parts.sessions, view, after)
    const events: ApiEvent[] = []
    const lacking = new Set<string>()
    const allowed = tree ? allowedTo(caller, operations.readEvents) : everything
    const answer = async (more: boolean): Promise<EventPage> => {
      const unreadable: string[] = []
      for (const id of lacking) if (await this.#parts.access.among(allowed, id)) unreadable.push(id)
      return {
        ...{ events, cursor: events.at(-1)?.cursor ?? encodeCursor(cursor), more },
        ...(unreadable.length === 0 ? {} : { unreadable }),
      }
    }
    let bytes = 0
    for await (const one of this.#behind(view, cursor, limit, (id) => lacking.add(id))) {
      if (!(await this.#parts.access.among(allowed, one.session))) continue
      const known = one.frame.seq === cursor.seq ? cursor.i : -1
      for (const event of apiEvents(view, one.session, one.frame, known, cursor.places)) {
        if (events.length === limit || bytes > maxPageBytes) return answer(true)
        events.push(event)
        bytes += JSON.stringify(event.data).length
      }
    }
    return answer(false)
  }

  /** From the index: throws unavailable while nobody answers for it. */
  async list(caller: Caller, request: ListSessions): Promise<SessionList> {
    const allowed = authorizeSome(caller, operations.listSessions)
    const { erased, ...asked } = request
    const also = erased ? { erased: 'true' } : {}
    const page = await fromIndex<SessionList>(this.#parts.call, 'sessions.list', {
      ...{ ...asked, ...also },
      ...onlyOf(allowed),
    })
    // Those that this process has found; memory says what it has found itself.
    const unreadable = new Set(this.#parts.unreadable())
    if (unreadable.size === 0) return page
    return {
      ...page,
      sessions: page.sessions.map((one) => (unreadable.has(one.id) ? { ...one, unreadable: true } : one)),
    }
  }

  async #mustExist(session: string): Promise<void> {
    if (!isSessionId(session)) throw notFound(session)
    await this.#mustBeLeft(session)
  }

  async #mustBeLeft(session: string): Promise<void> {
    const { head } = await this.#parts.appender.existing(session)
    await this.#parts.erased.mustBeThere(session, head)
  }

  async *#behind(
    view: View,
    cursor: Cursor,
    limit: number,
    onUnreadable: (session: string) => void,
  ): AsyncGenerator<SessionFrame> {
    const after = placeBefore(cursor.seq)
    if (view.tree) yield* treeFramesOf(this.#parts.sessions, view.of, after, onUnreadable, limit + 2)
    else
      for await (const frame of framesOf(this.#parts.sessions, view.of, after, limit + 2))
        yield { session: view.of, frame }
  }
}
