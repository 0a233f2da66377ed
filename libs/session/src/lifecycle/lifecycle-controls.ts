// Pausing, resuming and releasing, decided from the head alone. These alone say another status than the head's (PROTOCOL 2): a pause
// says paused, a resume or a release says idle, and wakes an executor.
import { type Head, toExec, toLog } from '@reins/contracts'
import type { Fold } from '../folding/fold.ts'
import { append, type Control, type RequestOutcome, refused, unchanged } from '../deciding/decision.ts'

export const lifecycleControls = {
  pause(head) {
    if (head.status === 'paused') return unchanged
    if (head.status === 'quarantined') return conflict(head, 'it does nothing until it is released')
    // Where nobody is at work, somebody is woken: a child may have to tell the session above that it waits (PROTOCOL 8).
    const to = head.status === 'waiting' ? toExec(head.pool) : toLog
    return append({ events: [{ type: 'session.paused', data: {} }], to, status: 'paused' })
  },
  resume(head) {
    if (head.status !== 'paused') return conflict(head, 'only a paused session can be resumed')
    return append({ events: [{ type: 'session.resumed', data: {} }], to: toExec(head.pool), status: 'idle' })
  },
  release(head) {
    if (head.status !== 'quarantined') return conflict(head, 'only a quarantined session can be released')
    return append({ events: [{ type: 'session.released', data: {} }], to: toExec(head.pool), status: 'idle' })
  },
} satisfies Readonly<Record<string, Control>>

/** With everything below it. Decided on the fold: a session that is paused alone may have children that work. */
export function pauseTree({ session, head }: Fold): RequestOutcome {
  const { mode } = session
  if (mode.kind === 'ended') return refused('session_ended', head)
  if (mode.kind === 'quarantined') return conflict(head, 'it does nothing until it is released')
  const isPaused =
    mode.kind === 'paused' && mode.tree !== undefined && (mode.above === undefined || mode.own === 'tree')
  if (isPaused) return unchanged
  return append({ events: [{ type: 'session.paused', data: { tree: true } }], to: toExec(head.pool), status: 'paused' })
}

const conflict = (head: Head, why: string): RequestOutcome =>
  refused('session_conflict', head, `The session is ${head.status}: ${why}.`)
