// A session as one who reads that session gets it: with the cursor behind the last event that is in it.
import { encodeCursor, type SessionInfo } from '@reins/contracts'
import { type InfoFold, infoOf } from '@reins/session'

export const infoWithCursor = (session: string, fold: InfoFold): SessionInfo => ({
  ...infoOf(session, fold),
  cursor: encodeCursor({ of: session, tree: false, ...fold.last }),
})
