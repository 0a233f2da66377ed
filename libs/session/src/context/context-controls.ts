// What people may ask of a session's context: to compact it now, and to undo the latest compaction. Decided on the fold at the head.
import { type SessionEvent, toExec, toLog } from '@reins/contracts'
import { append, type RequestOutcome, refused, unchanged } from '../deciding/decision.ts'
import type { Fold } from '../folding/fold.ts'
import { contextOf } from './context.ts'
import { cutPoint } from './range.ts'

/** Refused: session_ended, session_conflict. A repetition of what is asked for already changes nothing. */
export function requestCompaction({ session, head }: Fold, request: string): RequestOutcome {
  if (head.status === 'ended') return refused('session_ended', head)
  const { asked, open } = contextOf(session)
  if (asked !== null || open) return unchanged
  if (!cutPoint(session, 0))
    return refused(
      'session_conflict',
      head,
      'The conversation is too short to be compacted: there is nothing to leave out.',
    )
  const events: readonly SessionEvent[] = [{ type: 'context.compaction-requested', data: { request } }]
  return append({ events, to: toExec(head.pool), status: head.status })
}

/** Refused: session_ended, session_conflict. */
export function restoreContext({ session, head }: Fold): RequestOutcome {
  if (head.status === 'ended') return refused('session_ended', head)
  const { summary, before, open } = contextOf(session)
  if (open)
    return refused('session_conflict', head, 'The context is being compacted just now. Undo it when it is done.')
  if (!summary || !before)
    return refused(
      'session_conflict',
      head,
      summary
        ? 'The latest compaction was undone already; the one before it cannot be.'
        : 'The context of this session was not compacted: there is nothing to undo.',
    )
  const events: readonly SessionEvent[] = [{ type: 'context.restored', data: { compaction: summary.compaction } }]
  return append({ events, to: toLog, status: head.status })
}
