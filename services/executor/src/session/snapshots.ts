// Cold starts: a snapshot and the frames after it, or all frames. A snapshot that the log contradicts is deleted (PROTOCOL 11).
//   C1. A session that was long at rest lies spread over the whole stream, and a server that looks for its frames by their subject
//       searches everything that lies between them. So the few frames before the one that was delivered are read by their sequence:
//       each names the one before it. What does not join is read by subject, as everything is where there are many.
//   C2. The log is read page by page, and a session that takes too much memory is not folded to its end: it would end the process, and
//       whoever takes it over next.
import { emptyHead, type Frame } from '@reins/contracts'
import type { Reading } from '@reins/holder'
import type { SessionLog, Snapshot, Snapshots } from '@reins/journal'
import {
  emptyFold,
  type Fold,
  foldFrames,
  foldVersion,
  reviveSession,
  type Session,
  unweighed,
  waitingBytes,
  weigh,
} from '@reins/session'

/** C2. Frames of one read: each may hold 1 MB. */
const pageFrames = 128

export interface FoldSource {
  /** C2. Absent: no limit. */
  readonly mostBytes?: number | undefined
  readonly sessions: Pick<SessionLog, 'read' | 'frameAt'>
  readonly snapshots: Snapshots
  /** A read that is repeated until it is answered, or the process stops. */
  readonly reading: Reading
  report(session: string, error: unknown): void
}

/** Below so many frames a snapshot saves nothing. */
export const worthwhile = 16
/** C1. */
const mostSteps = 32

/**
 * `near`: a frame of the session that is known to be in the log; the fold reaches at least the one before it. Without it the fold
 * reaches to wherever the log is.
 */
export async function loadFold(context: FoldSource, id: string, near?: Frame): Promise<Fold> {
  const base = (near?.n ?? worthwhile) >= worthwhile ? await fromSnapshot(context, id) : undefined
  const joined = near && (await joinedTo(context, base ?? emptyFold(id), near))
  if (joined) return joined
  const fold = base ?? emptyFold(id)
  return foldOn(context, fold)
}

/** C2. To wherever the log is. Rejects with SessionTooLarge. */
export async function foldOn(context: FoldSource, from: Fold, leader = false): Promise<Fold> {
  const { id } = from.session
  const most = context.mostBytes ?? Number.POSITIVE_INFINITY
  let fold = from
  let weighed = unweighed
  for (;;) {
    const { seq: after, n: afterNumber } = fold.head
    const options = { after, afterNumber, limit: pageFrames, leader }
    const frames = await context.reading(() => context.sessions.read(id, options))
    fold = foldFrames(fold, frames)
    if (frames.length < pageFrames) return fold
    weighed = weigh(fold.session, weighed)
    const bytes = weighed.bytes + waitingBytes(fold.session)
    if (bytes > most) throw new SessionTooLarge(id, bytes, most)
  }
}

/** C2. */
export class SessionTooLarge extends Error {
  constructor(id: string, bytes: number, most: number) {
    const [has, may] = [bytes, most].map((count) => Math.ceil(count / 1_000_000))
    super(`session ${id} takes about ${has} MB in memory, and ${may} MB are allowed (REINS_MAX_SESSION_MB)`)
  }
}

/** C1. undefined: `near` does not follow closely on `fold`. */
async function joinedTo(context: FoldSource, fold: Fold, near: Frame): Promise<Fold | undefined> {
  const { session, head } = fold
  if (near.n <= head.n || near.n - head.n > mostSteps) return undefined
  const between: Frame[] = []
  for (let { n, prev } = near; n > head.n + 1; ) {
    const frame = await context.reading(() => context.sessions.frameAt(session.id, prev))
    if (frame?.n !== n - 1 || frame.fault !== undefined) return undefined
    between.unshift(frame)
    ;({ n, prev } = frame)
  }
  return (between[0] ?? near).prev === head.seq ? foldFrames(fold, between) : undefined
}

async function fromSnapshot(context: FoldSource, id: string): Promise<Fold | undefined> {
  const snapshot = await context.snapshots.read(id).catch(() => undefined)
  if (snapshot?.foldVersion !== foldVersion) return undefined
  // The snapshot's own frame is read again: another n or hash there, and it is not of this log.
  const own = await context.reading(() => context.sessions.frameAt(id, snapshot.seq))
  const session = own?.n === snapshot.n && own.hash === snapshot.hash ? revived(snapshot) : undefined
  if (!own || !session) {
    await context.snapshots.delete(id).catch(() => undefined)
    return undefined
  }
  const { seq, hash, needs, status, pool } = own
  const head = { ...emptyHead(id), seq, n: snapshot.n, hash, needs, status, pool }
  return { head, session }
}

/** undefined: what was written is no state of a session. */
function revived({ state }: Snapshot): Session | undefined {
  try {
    return reviveSession(state)
  } catch {
    return undefined
  }
}

/** Off the hot path; a snapshot that is not written is only slower. */
export async function writeSnapshot(context: FoldSource, { head, session }: Fold): Promise<void> {
  try {
    await context.snapshots.write(session.id, {
      seq: head.seq,
      n: head.n,
      hash: head.hash,
      foldVersion,
      state: session,
    })
  } catch (error) {
    context.report(session.id, error)
  }
}
