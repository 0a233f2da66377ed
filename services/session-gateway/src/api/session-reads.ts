// What a client may read of a session: from the stream itself, so it needs no index and no database.
import {
  type ApiEvent,
  type Cursor,
  type EventPage,
  encodeCursor,
  type Frame,
  type FramePage,
  isSessionId,
  type ListSessions,
  ReinsError,
  type SessionInfo,
  type SessionList,
  type SessionState,
  serviceSubject,
} from '@reins/contracts'
import { readTree, type SessionFrame, type SessionLog } from '@reins/journal'
import { emptyFold, emptyInfo, type Fold, foldFrame, foldInfo, type InfoFold } from '@reins/session'
import { type Appender, notFound } from './appender.ts'
import { resolveCursor, viewOf } from './cursors.ts'
import type { CallService } from '../ports.ts'
import { apiEvents, type View } from './views.ts'
import { infoWithCursor } from './session-info.ts'

export interface ReadParts {
  readonly sessions: SessionLog
  readonly appender: Appender
  readonly call: CallService
  readonly foldsKept: number
}

/** Both foldings of one session, to go on from. */
interface Kept {
  readonly info: InfoFold
  readonly fold: Fold
}

/** Frames of one read: each may hold 1 MB. */
const pageSize = 64
/** A page is over behind the event that makes it so large, whatever its limit: it is one text in memory. */
const maxPageBytes = 4_000_000

export class SessionReads {
  readonly #parts: ReadParts
  readonly #kept = new Map<string, Kept>()

  constructor(parts: ReadParts) {
    this.#parts = parts
  }

  /** Throws session_not_found. */
  async info(session: string): Promise<SessionInfo> {
    return infoWithCursor(session, (await this.#folded(session)).info)
  }

  /** The folded state at a cursor, or at the end. */
  async state(session: string, at: string | undefined): Promise<SessionState> {
    if (at === undefined) {
      const { info, fold } = await this.#folded(session)
      const cursor = encodeCursor({ of: session, tree: false, ...info.last })
      return { id: session, cursor, status: info.status, state: fold.session }
    }
    await this.#mustExist(session)
    const cursor = await resolveCursor(this.#parts.sessions, viewOf(session, false), at)
    let fold = emptyFold(session)
    for await (const frame of this.#frames(session, 0)) {
      if (frame.n > cursor.n) break
      // A cursor can stand inside a frame: what comes after it in the frame has not happened yet.
      fold = foldFrame(fold, frame.n === cursor.n ? { ...frame, events: frame.events.slice(0, cursor.i + 1) } : frame)
    }
    return { id: session, cursor: encodeCursor(cursor), status: fold.head.status, state: fold.session }
  }

  /** Up to `limit` frames with a sequence above `after`, as the log has them. */
  async frames(session: string, after: number, limit: number): Promise<FramePage> {
    await this.#mustExist(session)
    const frames: FramePage['frames'] = []
    let bytes = 0
    for await (const { events, trace: _trace, ...frame } of this.#frames(session, after, limit + 1)) {
      if (frames.length === limit || bytes > maxPageBytes) return { frames, more: true }
      const text = JSON.stringify(events)
      bytes += text.length
      frames.push({ ...frame, events: text })
    }
    return { frames, more: false }
  }

  /** Up to `limit` events behind a cursor. */
  async page(session: string, after: string | undefined, limit: number, tree: boolean): Promise<EventPage> {
    const view = viewOf(session, tree)
    await this.#mustExist(session)
    const cursor = await resolveCursor(this.#parts.sessions, view, after)
    const events: ApiEvent[] = []
    const answer = (more: boolean): EventPage => ({
      events,
      cursor: events.at(-1)?.cursor ?? encodeCursor(cursor),
      more,
    })
    let bytes = 0
    for await (const one of this.#behind(view, cursor, limit)) {
      const known = one.frame.seq === cursor.seq ? cursor.i : -1
      for (const event of apiEvents(view, one.session, one.frame, known)) {
        if (events.length === limit || bytes > maxPageBytes) return answer(true)
        events.push(event)
        bytes += JSON.stringify(event.data).length
      }
    }
    return answer(false)
  }

  /** From the index: throws unavailable while nobody answers for it. */
  async list(request: ListSessions): Promise<SessionList> {
    const reply = await this.#parts.call<SessionList>(serviceSubject('memory', 'sessions.list'), request)
    if (reply.ok) return reply.value
    const { code, message, details, next } = reply.error
    throw new ReinsError(code, message, { details, ...(next === undefined ? {} : { next }) })
  }

  async #mustExist(session: string): Promise<void> {
    if (!isSessionId(session)) throw notFound(session)
    await this.#parts.appender.head(session)
  }

  async *#behind(view: View, cursor: Cursor, limit: number): AsyncGenerator<SessionFrame> {
    const after = Math.max(cursor.seq - 1, 0)
    if (view.tree) yield* await readTree(this.#parts.sessions, view.of, { after })
    else for await (const frame of this.#frames(view.of, after, limit + 2)) yield { session: view.of, frame }
  }

  async *#frames(session: string, from: number, wanted = pageSize): AsyncGenerator<Frame> {
    const size = Math.min(wanted, pageSize)
    for (let after = from; ; ) {
      const page = await this.#parts.sessions.read(session, { after, limit: size })
      yield* page
      after = page.at(-1)?.seq ?? after
      if (page.length < size) return
    }
  }

  /** To the end, from where it was left the last time. */
  async #folded(session: string): Promise<Kept> {
    if (!isSessionId(session)) throw notFound(session)
    let kept = this.#kept.get(session) ?? { info: emptyInfo, fold: emptyFold(session) }
    for await (const frame of this.#frames(session, kept.info.last.seq))
      kept = { info: foldInfo(kept.info, frame), fold: foldFrame(kept.fold, frame) }
    if (kept.info.last.n === 0) throw notFound(session)
    this.#kept.delete(session)
    this.#kept.set(session, kept)
    if (this.#kept.size > this.#parts.foldsKept) {
      const [oldest] = this.#kept.keys()
      if (oldest !== undefined) this.#kept.delete(oldest)
    }
    return kept
  }
}
