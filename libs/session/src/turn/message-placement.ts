// Where a person's message goes, decided from the head's headers alone (PROTOCOL 4).
//   W1. A message to a session at rest wakes an executor; to a busy one it goes to the log, where the finisher's append meets it.
//   W2. The status is copied from the head: whoever writes a message has not folded the session (PROTOCOL 2).
import { type EventOf, type Head, type SessionEvent, toExec, toLog } from '@reins/contracts'
import { append, type RequestOutcome, refused } from '../decision.ts'

/** `asked`: what the message asks for besides. Refused: session_ended, session_busy. */
export function placeMessage(
  head: Head,
  event: EventOf<'message.received'>,
  asked: readonly SessionEvent[] = [],
): RequestOutcome {
  const { onBusy } = event.data
  if (head.status === 'ended') return refused('session_ended', head)
  if (onBusy === 'reject' && head.status !== 'idle')
    return refused('session_busy', head, `The session is ${head.status}, and the message asked to be rejected then.`)
  const wakes = head.status === 'idle' || onBusy === 'interrupt'
  return append({ events: [event, ...asked], to: wakes ? toExec(head.pool) : toLog, status: head.status })
}
