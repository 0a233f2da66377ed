// What the gateway appends for a request, decided from the head's headers alone. Pure.
//   W1. A message to a session at rest wakes an executor; to a busy one it goes to the log, where the finisher's append meets it.
//   W2. The status is copied from the head, but that a pause says paused, and a resume or release says idle (PROTOCOL 2).
//   W3. Harmless repetitions append nothing: a pause of a paused session, an end of an ended one.
import { type EventOf, type Head, ReinsError, toExec, toLog } from '@reins/contracts'
import type { Decision } from './appender.ts'

export const controlVerbs = ['cancel', 'pause', 'resume', 'release', 'end'] as const
export type ControlVerb = (typeof controlVerbs)[number]

/** W1. Throws session_ended, session_busy. */
export function placeMessage(head: Head, event: EventOf<'message.received'>): Decision {
  const { onBusy } = event.data
  if (head.status === 'ended') throw new ReinsError('session_ended')
  if (onBusy === 'reject' && head.status !== 'idle')
    throw new ReinsError('session_busy', `The session is ${head.status}, and the message asked to be rejected then.`)
  const wake = head.status === 'idle' || onBusy === 'interrupt'
  return { events: [event], to: wake ? toExec(head.pool) : toLog, status: head.status }
}

/** `cancel`: the id of a cancel that it asks for. undefined: nothing to append (W3). Throws session_ended, session_conflict. */
export function steer(verb: ControlVerb, cancel: string, head: Head): Decision | undefined {
  const exec = toExec(head.pool)
  const conflict = (what: string) =>
    new ReinsError('session_conflict', `The session is ${head.status}: ${what}.`, { details: { status: head.status } })
  if (head.status === 'ended') {
    if (verb === 'end') return undefined
    throw new ReinsError('session_ended')
  }
  switch (verb) {
    case 'cancel':
      return {
        events: [{ type: 'cancel.requested', data: { cancel } }],
        to: exec,
        status: head.status,
      }
    case 'end':
      return {
        events: [{ type: 'cancel.requested', data: { cancel, end: true } }],
        to: exec,
        status: head.status,
      }
    case 'pause':
      if (head.status === 'paused') return undefined
      if (head.status === 'quarantined') throw conflict('it does nothing until it is released')
      return { events: [{ type: 'session.paused', data: {} }], to: toLog, status: 'paused' }
    case 'resume':
      if (head.status !== 'paused') throw conflict('only a paused session can be resumed')
      return { events: [{ type: 'session.resumed', data: {} }], to: exec, status: 'idle' }
    case 'release':
      if (head.status !== 'quarantined') throw conflict('only a quarantined session can be released')
      return { events: [{ type: 'session.released', data: {} }], to: exec, status: 'idle' }
    default:
      return verb satisfies never
  }
}
