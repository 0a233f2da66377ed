// Where a person's message goes, decided from the head's headers alone (PROTOCOL 4).
//   W1. A message to a session at rest wakes an executor; to a busy one it goes to the log, where the finisher's append meets it.
//   W2. The status is copied from the head: whoever writes a message has not folded the session (PROTOCOL 2).
//   W3. A message that waits for its turn makes a session busy, though its head says idle: nobody has begun with it yet. So a message
//       that asks to be rejected by a busy session is decided on the folded session.
import { type EventOf, type Head, type SessionEvent, toExec, toLog } from '@reins/contracts'
import { append, type RequestOutcome, refused } from '../deciding/decision.ts'
import type { Session } from '../session.ts'

/** The head alone does not decide on it (W3): `placeMessage` needs the folded session. */
export const needsFold = (head: Head, { data }: EventOf<'message.received'>): boolean =>
  data.onBusy === 'reject' && head.status === 'idle'

export interface MessageAbout {
  /** At this head, where `needsFold` says so. */
  readonly folded?: Session | undefined
  /** The agent that it is answered by, where that is configured anew for it. */
  readonly anew?: readonly SessionEvent[] | undefined
}

/** `asked`: what the message asks for besides. Refused: session_ended, session_busy. */
export function placeMessage(
  head: Head,
  event: EventOf<'message.received'>,
  asked: readonly SessionEvent[] = [],
  { folded, anew = [] }: MessageAbout = {},
): RequestOutcome {
  const { onBusy } = event.data
  if (head.status === 'ended') return refused('session_ended', head)
  if (onBusy === 'reject' && head.status !== 'idle')
    return refused('session_busy', head, `The session is ${head.status}, and the message asked to be rejected then.`)
  if (needsFold(head, event) && folded && folded.inbox.length > 0)
    return refused('session_busy', head, 'A message waits for its turn, and this one asked to be rejected then.')
  const wakes = head.status === 'idle' || onBusy === 'interrupt'
  return append({ events: [...anew, event, ...asked], to: wakes ? toExec(head.pool) : toLog, status: head.status })
}
