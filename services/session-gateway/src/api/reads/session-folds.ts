// Sessions folded from their streams, kept to go on from: so one session is shown without the index, and without Postgres.
import { eventsJsonOf, type Frame, isSessionId, ReinsError, type SessionInfo } from '@reins/contracts'
import type { SessionFrame, SessionLog } from '@reins/journal'
import {
  budgetInfo,
  emptyFold,
  emptyInfo,
  type Fold,
  foldFrame,
  foldInfo,
  type InfoFold,
  unweighed,
  type Weighed,
  waitingBytes,
  weigh,
} from '@reins/session'
import { notFound } from '../writes/appender.ts'
import { infoWithCursor } from './session-info.ts'

/** Both foldings of one session. */
export interface Folded {
  readonly info: InfoFold
  readonly fold: Fold
}

interface Kept extends Folded {
  readonly weighed: Weighed
  readonly bytes: number
}

export interface FoldLimits {
  /** Sessions whose foldings are kept, and what these may take together. */
  readonly kept: number
  readonly keptBytes: number
  /** What one session may take. */
  readonly mostBytes: number
}

const nothing = (session: string): Kept => ({
  ...{ info: emptyInfo, fold: emptyFold(session), weighed: unweighed, bytes: unweighed.bytes },
})

export const newerDecides = ({ why }: { readonly why: string }): ReinsError =>
  new ReinsError('unavailable', `A newer version of Reins decides on this session: ${why}.`)

/** Frames of the first read: each may hold 1 MB. */
const pageSize = 64
/** Of a later read, where frames are small: for each read behind a sequence the broker counts what else there is of the session. */
const largestPage = 512
const pageBytes = 8_000_000
/** Of so many frames the size of one is looked at. */
const sampled = 8

export class SessionFolds {
  readonly #sessions: SessionLog
  readonly #limits: FoldLimits
  readonly #kept = new Map<string, Kept>()
  #bytes = 0

  constructor(sessions: SessionLog, limits: FoldLimits) {
    this.#sessions = sessions
    this.#limits = limits
  }

  /** The fold up to `least` at least, to decide on it. Throws session_not_found, and unavailable where a newer version decides. */
  async toDecide(session: string, least: number): Promise<Fold> {
    const { fold } = await this.folded(session, least)
    if (fold.session.beyond) throw newerDecides(fold.session.beyond)
    return fold
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
    const before = this.#kept.get(session) ?? nothing(session)
    let kept = await this.#foldedOn(session, before, false)
    // A copy that lags: the leader has it.
    if (kept.info.last.seq < least) kept = await this.#foldedOn(session, kept, true)
    if (kept.info.last.seq === 0) throw notFound(session)
    this.#keep(session, kept)
    return kept
  }

  /**
   * Goes on with a frame that is in the log, without a read. undefined: it does not continue what is kept, and `folded` reads. Of a
   * session that was not forked: the first frame of a fork is not its beginning.
   */
  heard(session: string, frame: Frame): Folded | undefined {
    const kept = this.#kept.get(session) ?? nothing(session)
    const { head } = kept.fold
    if (frame.seq <= head.seq) return kept
    if (frame.n !== head.n + 1 || frame.prev !== head.seq || frame.fault !== undefined) return undefined
    const fold = foldFrame(kept.fold, frame)
    const weighed = weigh(fold.session, kept.weighed)
    const bytes = weighed.bytes + waitingBytes(fold.session)
    if (bytes > this.#limits.mostBytes) return undefined
    const next = { info: foldInfo(kept.info, frame), fold, weighed, bytes }
    this.#keep(session, next)
    return next
  }

  /** Throws session_too_large. */
  async #foldedOn(session: string, from: Kept, leader: boolean): Promise<Kept> {
    let { info, fold, weighed } = from
    let since = 0
    for await (const frame of framesOf(this.#sessions, session, info.last.seq, undefined, leader)) {
      info = foldInfo(info, frame)
      fold = foldFrame(fold, frame)
      if (++since % pageSize !== 0) continue
      weighed = weigh(fold.session, weighed)
      this.#mustBeSmall(session, weighed.bytes + waitingBytes(fold.session))
    }
    if (since === 0) return from
    weighed = weigh(fold.session, weighed)
    const bytes = weighed.bytes + waitingBytes(fold.session)
    this.#mustBeSmall(session, bytes)
    return { info, fold, weighed, bytes }
  }

  #mustBeSmall(session: string, bytes: number): void {
    const { mostBytes } = this.#limits
    if (bytes <= mostBytes) return
    const [has, may] = [bytes, mostBytes].map((count) => Math.ceil(count / 1_000_000))
    throw new ReinsError(
      'session_too_large',
      `The session ${session} takes about ${has} MB in memory, and at most ${may} MB are allowed.`,
    )
  }

  #keep(session: string, kept: Kept): void {
    // What was heard while this was read may be newer.
    if ((this.#kept.get(session)?.info.last.seq ?? 0) > kept.info.last.seq) return
    this.#forget(session)
    this.#kept.set(session, kept)
    this.#bytes += kept.bytes
    for (const oldest of this.#kept.keys()) {
      // The newest one stays, however large it is: whoever asked for it asks again.
      if (this.#kept.size <= 1) return
      if (this.#kept.size <= this.#limits.kept && this.#bytes <= this.#limits.keptBytes) return
      this.#forget(oldest)
    }
  }

  #forget(session: string): void {
    this.#bytes -= this.#kept.get(session)?.bytes ?? 0
    this.#kept.delete(session)
  }
}

/** Those behind a sequence, page by page; `wanted`: no more than so many are going to be looked at. */
export async function* framesOf(
  sessions: SessionLog,
  session: string,
  from: number,
  wanted = Number.POSITIVE_INFINITY,
  leader = false,
): AsyncGenerator<Frame> {
  const read = (after: number, limit: number) => sessions.read(session, { after, limit, ...(leader ? { leader } : {}) })
  yield* pages(read, (frame) => frame, from, wanted)
}

/** The same of a tree: of its root and of everything below it. `onUnreadable` is told of each session that lacks something. */
export async function* treeFramesOf(
  sessions: SessionLog,
  root: string,
  from: number,
  onUnreadable: (session: string) => void,
  wanted = Number.POSITIVE_INFINITY,
): AsyncGenerator<SessionFrame> {
  const read = (after: number, limit: number) => sessions.readTree(root, { after, limit, onUnreadable })
  yield* pages(read, ({ frame }) => frame, from, wanted)
}

async function* pages<One>(
  read: (after: number, limit: number, afterNumber?: number) => Promise<readonly One[]>,
  frameOf: (one: One) => Frame,
  from: number,
  wanted: number,
): AsyncGenerator<One> {
  let left = wanted
  let after = from
  let number: number | undefined
  for (let size = Math.min(left, pageSize); ; size = left > 0 ? Math.min(left, size) : pageSize) {
    const page = await read(after, size, number)
    yield* page
    const last = page.at(-1)
    if (!last || page.length < size) return
    ;({ seq: after, n: number } = frameOf(last))
    left -= page.length
    size = nextSize(page.filter((_, at) => at % sampled === 0).map(frameOf), page.length)
  }
}

function nextSize(some: readonly Frame[], size: number): number {
  const bytes = some.reduce((sum, frame) => sum + eventsJsonOf(frame).length, 0) / some.length
  return Math.max(pageSize, Math.min(size * 2, largestPage, Math.floor(pageBytes / bytes)))
}
