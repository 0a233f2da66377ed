// evolve: one event into the state. Total and pure (S1, S2, S3 of session.ts); what each event means stands in its slice.
import { maySay, type SessionEvent } from '@reins/contracts'
import type { Session } from '../session.ts'
import type { Meaning, Origin } from '../slice.ts'
import { meanings } from '../slices.ts'

export function evolve(session: Session, event: SessionEvent, origin: Origin): Session {
  if (!maySay(origin.role, event.type)) return session
  // A fork of an ended session goes on.
  if (session.mode.kind === 'ended' && event.type !== 'session.forked') return session
  const meaning: Meaning<SessionEvent> = meanings[event.type]
  return meaning.evolve(session, event, origin)
}
