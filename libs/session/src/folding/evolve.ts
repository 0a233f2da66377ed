// evolve: one event into the state. Total and pure (S1, S2, S3 of session.ts); what each event means stands in its slice.
import { maySayIn, type SessionEvent } from '@reins/contracts'
import type { Session } from '../session.ts'
import type { Meaning, Origin } from '../slice.ts'
import { meanings } from '../slices.ts'

export function evolve(session: Session, event: SessionEvent, origin: Origin): Session {
  if (!maySayIn(session.id, origin.role, event.type)) return session
  if (session.mode.kind === 'ended' && !afterTheEnd.has(event.type)) return session
  const meaning: Meaning<SessionEvent> = meanings[event.type]
  return meaning.evolve(session, event, origin)
}

/** A fork of an ended session goes on, and one that has ended is erased. */
const afterTheEnd: ReadonlySet<SessionEvent['type']> = new Set([
  'session.forked',
  'session.erased',
  'session.erasure-completed',
])
