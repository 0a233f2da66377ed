// The first frame of a fork: decided on the session as it was at the frame that it goes on behind.
import { type EventOf, type SessionEvent, toExec, toLog } from '@reins/contracts'
import { append, type RequestOutcome, refused } from '../deciding/decision.ts'
import type { Fold } from '../folding/fold.ts'

export interface ForkRequest {
  /** The session that wrote the frame of the head. */
  readonly from: string
  readonly principal: string
  readonly title?: string | undefined
  readonly message?: EventOf<'message.received'> | undefined
  /** What the agent is configured with for the message, and what it asks for besides. */
  readonly before?: readonly SessionEvent[]
  readonly behind?: readonly SessionEvent[]
}

/** `at`: folded to the frame that the fork goes on behind, and no further. */
export function forkFrame({ session, head }: Fold, request: ForkRequest): RequestOutcome {
  const { from, principal, title, message, before = [], behind = [] } = request
  const { born } = session
  if (!born) return refused('session_conflict', head, 'The session was never started, so there is nothing to fork.')
  if (session.run)
    return refused(
      'session_conflict',
      head,
      'Code decides in this session, and a replay of it in a fork would do again what it has done. Start the workflow anew.',
    )
  const { agent, digest, model, pools } = born
  const forked: EventOf<'session.forked'> = {
    type: 'session.forked',
    data: {
      ...{ from, n: head.n, hash: head.hash, agent, digest, model, principal },
      ...(title === undefined ? {} : { title }),
    },
  }
  return append({
    events: [forked, ...(message ? [...before, message, ...behind] : [])],
    to: message ? toExec(pools.executor) : toLog,
    status: 'idle',
    pool: pools.executor,
  })
}
