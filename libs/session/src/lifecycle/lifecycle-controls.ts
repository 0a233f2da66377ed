// Pausing, resuming and releasing, decided from the head alone. These alone say another status than the head's (PROTOCOL 2): a pause
// says paused, a resume or a release says idle, and wakes an executor.
import { type Head, toExec, toLog } from '@reins/contracts'
import { append, type Control, type RequestOutcome, refused, unchanged } from '../decision.ts'

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

const conflict = (head: Head, why: string): RequestOutcome =>
  refused('session_conflict', head, `The session is ${head.status}: ${why}.`)
