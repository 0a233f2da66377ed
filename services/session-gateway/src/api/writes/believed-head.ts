// What a head says, where it cannot be so. A head is read without a fold, so whoever wrote the last frame could say anything there.
//   BH1. That a session has ended refuses every request for good, so it is believed only where the folded session has ended too.
//   BH2. A frame that is none names no pool. Frames that wake somebody go to the pool that the session was started with.
//   BH3. Of a session that cannot be read, the head is all that there is: it has to be possible to erase it.
import type { Head } from '@reins/contracts'
import { isUnreadable } from '@reins/journal'
import type { SessionFolds } from '../reads/session-folds.ts'

/** The head itself, without a read, for all but the few that BH1 and BH2 are about. */
export async function believedHead(folds: Pick<SessionFolds, 'folded'>, session: string, head: Head): Promise<Head> {
  if (head.seq === 0 || (head.status !== 'ended' && head.pool !== '')) return head
  const folded = await folds.folded(session, head.seq).catch((error: unknown) => {
    if (!isUnreadable(error)) throw error // BH3
    return undefined
  })
  if (!folded) return head
  const { mode, born } = folded.fold.session
  const status =
    head.status !== 'ended' || mode.kind === 'ended' ? head.status : mode.kind === 'open' ? 'idle' : mode.kind
  return { ...head, status, pool: head.pool || (born?.pools.executor ?? '') }
}
