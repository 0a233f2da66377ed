// When a cancel has been answered: what it covers is closed.
import { stopsRun } from '../run/run-due.ts'
import type { Cancel, Session } from '../session.ts'

/** Whether there is anything (left) that the cancel asks for. With nothing to cancel it changes nothing. */
export function stillNeeded(session: Session, cancel: Cancel): boolean {
  if (cancel.kind === 'end') return true
  if (session.turn && session.turn.n <= cancel.n) return true
  if (cancel.kind === 'cancel' && session.context?.open) return true
  if (stopsRun(session, cancel)) return true
  return cancel.kind === 'cancel' && session.inbox.some(({ message }) => cancel.covered.includes(message))
}

/** Called after whatever closes a turn or an operation, or drops a message. */
export function withAnsweredCancel(session: Session): Session {
  const { cancel, run } = session
  if (!cancel || stillNeeded(session, cancel)) return session
  // RN11 of runs: a cancel that came to nothing is that of what the code asks for next.
  const passesOn = cancel.kind === 'cancel' && !cancel.told && run?.workflow && !run.ended
  return passesOn ? { ...session, cancel: null, run: { ...run, cancelNext: true } } : { ...session, cancel: null }
}
