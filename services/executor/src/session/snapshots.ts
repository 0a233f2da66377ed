// Cold starts: a snapshot and the frames after it, or all frames. A snapshot that the log contradicts is deleted (PROTOCOL 11).
import { emptyHead } from '@reins/contracts'
import type { Reading } from '@reins/holder'
import type { SessionLog, Snapshots } from '@reins/journal'
import { emptyFold, type Fold, foldFrames, foldVersion, reviveSession } from '@reins/session'

export interface FoldSource {
  readonly sessions: Pick<SessionLog, 'read'>
  readonly snapshots: Snapshots
  /** A read that is repeated until it is answered, or the process stops. */
  readonly reading: Reading
  report(session: string, error: unknown): void
}

/** Below so many frames a snapshot saves nothing. */
const worthwhile = 64

/** `n`: the number of frames that there are at least. */
export async function loadFold(context: FoldSource, id: string, n: number): Promise<Fold> {
  const base = n >= worthwhile ? await fromSnapshot(context, id) : undefined
  if (base) return base
  const frames = await context.reading(() => context.sessions.read(id))
  return foldFrames(emptyFold(id), frames)
}

async function fromSnapshot(context: FoldSource, id: string): Promise<Fold | undefined> {
  const snapshot = await context.snapshots.read(id).catch(() => undefined)
  if (snapshot?.foldVersion !== foldVersion) return undefined
  // The snapshot's own frame is read again: another n or hash there, and it is not of this log.
  const frames = await context.reading(() => context.sessions.read(id, { after: snapshot.seq - 1 }))
  const own = frames[0]
  if (own?.seq !== snapshot.seq || own.n !== snapshot.n || own.hash !== snapshot.hash) {
    await context.snapshots.delete(id).catch(() => undefined)
    return undefined
  }
  const { seq, hash, needs, status, pool } = own
  const head = { ...emptyHead(id), seq, n: snapshot.n, hash, needs, status, pool }
  return foldFrames({ head, session: reviveSession(snapshot.state) }, frames.slice(1))
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
