// Messages that wait for their turn in a session that is busy, paused or in quarantine: so many, and no more.
import type { Head, UserContent } from '@reins/contracts'
import type { ReinsError } from '@reins/contracts'
import { contentBytes, type Session, waitingBytes } from '@reins/session'
import { tooMany } from '../../access/attempts.ts'
import type { Limits } from '../../config.ts'

/** Whether a message waits there. */
export const waits = ({ status }: Head): boolean => status !== 'idle' && status !== 'ended'

/** s */
const again = 5

/** Why one more may not wait there; undefined: it may. */
export function noRoomToWait(
  session: Session,
  content: UserContent,
  { maxWaitingMessages, maxWaitingBytes }: Pick<Limits, 'maxWaitingMessages' | 'maxWaitingBytes'>,
): ReinsError | undefined {
  const { inbox } = session
  if (inbox.length === 0) return undefined
  const bytes = waitingBytes(session)
  if (inbox.length < maxWaitingMessages && bytes + contentBytes(content) <= maxWaitingBytes) return undefined
  const size = (bytes / 1_000_000).toFixed(1)
  return tooMany(
    again,
    `${inbox.length} messages (${size} MB) wait for their turn in the session, and no more may: let it go on first.`,
  )
}
