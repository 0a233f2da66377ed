// Taking over a model call whose process is gone (PROTOCOL 6).
import type { EventData, Head, SessionEvent } from '@reins/contracts'
import { type Plan, plan } from '../deciding/plan.ts'
import type { Session } from '../session.ts'
import type { Effect } from '../slice.ts'
import { flightOf } from './flight.ts'

/**
 * One frame: the lost attempt's outcome and the next attempt's start; in a paused session the outcome alone, and the next attempt begins
 * when it is resumed. null where it may not be: the call is settled or at another attempt, or the session is quarantined or under a
 * cancel (then it stays open until it is released, or the cancel closes it).
 */
export function takeover(
  session: Session,
  head: Head,
  holder: { readonly instance: string; readonly at: number },
  lost: { readonly call: string; readonly attempt: number; readonly partial?: string },
): Plan | null {
  const flight = flightOf(session)
  if (session.beyond || !flight || flight.call !== lost.call || flight.attempt !== lost.attempt) return null
  if ((session.mode.kind !== 'open' && session.mode.kind !== 'paused') || session.cancel) return null
  const { call, attempt, partial } = lost
  const error = { code: 'lost' as const, message: 'The process that ran it is gone.' }
  const event = lostEvent(flight.kind, { call, attempt, error, ...(partial ? { partial } : {}) })
  const writer = { n: head.n + 1, at: holder.at, by: holder.instance }
  return plan(session, [event], writer, true)
}

function lostEvent(
  kind: Effect['kind'],
  { call, attempt, error, ...more }: EventData<'model-call.failed'>,
): SessionEvent {
  switch (kind) {
    case 'compact':
      return { type: 'context.compaction-failed', data: { compaction: call, attempt, error } }
    case 'replay-run':
      return { type: 'run.replay-ended', data: { replay: call, attempt, how: 'lost' } }
    case 'call-model':
      return { type: 'model-call.failed', data: { call, attempt, error, ...more } }
    default:
      return kind satisfies never
  }
}

/** Whether an outcome of this attempt still counts. */
export function isCurrentModelCall(session: Session, call: string, attempt: number): boolean {
  const flight = flightOf(session)
  return flight?.call === call && flight.attempt === attempt
}
