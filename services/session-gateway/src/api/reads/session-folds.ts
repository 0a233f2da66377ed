// Sessions folded from their streams, kept to go on from: so one session is shown without the index, and without Postgres.
import { type Frame, isSessionId, type SessionInfo } from '@reins/contracts'
import type { SessionFrame, SessionLog } from '@reins/journal'
import { budgetInfo, emptyFold, emptyInfo, type Fold, foldFrame, foldInfo, type InfoFold } from '@reins/session'
import { notFound } from '../writes/appender.ts'
import { infoWithCursor } from './session-info.ts'

/** Both foldings of one session. */
export interface Folded {
  readonly info: InfoFold
  readonly fold: Fold
}

/** Frames of one read: each may hold 1 MB. */
const pageSize = 64

export class SessionFolds {
  readonly #sessions: SessionLog
  readonly #most: number
  readonly #kept = new Map<string, Folded>()

  /** `most`: sessions whose foldings are kept. */
  constructor(sessions: SessionLog, most: number) {
    this.#sessions = sessions
    this.#most = most
  }

  /** Throws session_not_found. */
  async info(session: string): Promise<SessionInfo> {
    const { info, fold } = await this.folded(session)
    const budget = budgetInfo(fold.session)
    const { mode } = fold.session
    return {
      ...infoWithCursor(session, info),
      ...(mode.kind === 'quarantined' ? { quarantine: { reason: mode.reason, frame: mode.frame } } : {}),
      ...(budget ? { budget } : {}),
    }
  }

  /** To the end, from where it was left the last time, and not less far than `least`. Throws session_not_found. */
  async folded(session: string, least = 0): Promise<Folded> {
    if (!isSessionId(session)) throw notFound(session)
    let kept = this.#kept.get(session) ?? { info: emptyInfo, fold: emptyFold(session) }
    for await (const frame of framesOf(this.#sessions, session, kept.info.last.seq))
      kept = { info: foldInfo(kept.info, frame), fold: foldFrame(kept.fold, frame) }
    // A copy that lags: the leader has it.
    if (kept.info.last.seq < least)
      for await (const frame of framesOf(this.#sessions, session, kept.info.last.seq, pageSize, true))
        kept = { info: foldInfo(kept.info, frame), fold: foldFrame(kept.fold, frame) }
    if (kept.info.last.seq === 0) throw notFound(session)
    this.#kept.delete(session)
    this.#kept.set(session, kept)
    if (this.#kept.size > this.#most) {
      const [oldest] = this.#kept.keys()
      if (oldest !== undefined) this.#kept.delete(oldest)
    }
    return kept
  }
}

/** Those behind a sequence, page by page; `wanted`: no more than so many are going to be looked at. */
export async function* framesOf(
  sessions: SessionLog,
  session: string,
  from: number,
  wanted = pageSize,
  leader = false,
): AsyncGenerator<Frame> {
  const size = Math.min(wanted, pageSize)
  for (let after = from; ; ) {
    const page = await sessions.read(session, { after, limit: size, ...(leader ? { leader } : {}) })
    yield* page
    after = page.at(-1)?.seq ?? after
    if (page.length < size) return
  }
}

/** The same of a tree: of its root and of everything below it. */
export async function* treeFramesOf(
  sessions: SessionLog,
  root: string,
  from: number,
  wanted = pageSize,
): AsyncGenerator<SessionFrame> {
  const size = Math.min(wanted, pageSize)
  for (let after = from; ; ) {
    const page = await sessions.readTree(root, { after, limit: size })
    yield* page
    after = page.at(-1)?.frame.seq ?? after
    if (page.length < size) return
  }
}
