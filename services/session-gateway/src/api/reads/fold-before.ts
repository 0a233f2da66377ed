// Where the folding of an old state begins: at the nearest snapshot that the log confirms, or at the first frame.
import { headOf } from '@reins/contracts'
import type { SessionLog, Snapshots } from '@reins/journal'
import { emptyFold, type Fold, foldVersion, reviveSession } from '@reins/session'

export interface FoldParts {
  readonly sessions: SessionLog
  readonly snapshots: Pick<Snapshots, 'read'> | undefined
}

/** Older than frame `n`. A snapshot that cannot be read is none. */
export async function foldBefore({ sessions, snapshots }: FoldParts, id: string, n: number): Promise<Fold> {
  const snapshot = await snapshots?.read(id, { upTo: n - 1 }).catch(() => undefined)
  if (snapshot?.foldVersion !== foldVersion) return emptyFold(id)
  const own = await sessions.frameAt(id, snapshot.seq)
  if (own?.n !== snapshot.n || own.hash !== snapshot.hash) return emptyFold(id)
  return { head: headOf(own), session: reviveSession(snapshot.state) }
}
