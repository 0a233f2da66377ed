// evolve: one event into the state. Total and pure (S1, S2, S3 of session.ts); one slice a family.
import { maySay, type Role, type SessionEvent } from '@reins/contracts'
import { evolveDelegation } from './evolve-delegation.ts'
import { evolveLifecycle } from './evolve-lifecycle.ts'
import { evolveModelCall } from './evolve-model-call.ts'
import { evolveToolCall } from './evolve-tool-call.ts'
import { evolveTurn } from './evolve-turn.ts'
import type { Session } from './session.ts'

/** Where an event stands: who said it (by the subject), in which frame, when. */
export interface Said {
  readonly role: Role
  readonly n: number
  readonly at: number
  readonly by: string
  readonly trace?: string | undefined
}

export function evolve(session: Session, event: SessionEvent, said: Said): Session {
  if (!maySay(said.role, event.type)) return session
  if (session.mode.kind === 'ended') return session
  switch (event.type) {
    case 'session.started':
    case 'session.renamed':
    case 'session.paused':
    case 'session.resumed':
    case 'session.quarantined':
    case 'session.released':
    case 'session.nudged':
    case 'session.settled':
    case 'session.ended':
    case 'cancel.requested':
    case 'timer.armed':
    case 'timer.fired':
      return evolveLifecycle(session, event, said)
    case 'message.received':
    case 'message.joined':
    case 'message.dropped':
    case 'turn.started':
    case 'turn.completed':
    case 'turn.failed':
    case 'turn.cancelled':
      return evolveTurn(session, event, said)
    case 'model-call.started':
    case 'model-call.completed':
    case 'model-call.failed':
    case 'model-call.throttled':
      return evolveModelCall(session, event, said)
    case 'tool-calls.requested':
    case 'tool-call.started':
    case 'tool-call.completed':
    case 'tool-call.cancelled':
    case 'tool-call.outcome-unknown':
    case 'tool-call.late-result':
      return evolveToolCall(session, event, said)
    case 'delegation.requested':
    case 'delegation.cancel-requested':
    case 'delegation.settled':
      return evolveDelegation(session, event)
    default:
      return event satisfies never
  }
}
