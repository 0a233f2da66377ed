// A cancel, an interrupt or an end (PROTOCOL 7): it comes before everything else. An interrupt is asked for by a message (turn.ts).
import type { EventData, SessionEvent } from '@reins/contracts'
import { reachedEnd } from '../budget/reservation.ts'
import { cancelledCompaction } from '../context/compaction-due.ts'
import { closingAddress } from '../delegation/closing-address.ts'
import { cancelledModelCall } from '../model-call/model-call.ts'
import { cleanUpTimer, stoppedRun, stopsPrompt } from '../run/run-due.ts'
import { betweenOperations } from '../run/run-state.ts'
import type { CallState, Cancel, Session, Turn } from '../session.ts'
import type { CallStateKind, CallStateKinds, DueRule, Meanings } from '../slice.ts'
import { stillNeeded } from './answered-cancel.ts'
import { listed, ranUntilNow } from './ran-calls.ts'

export const cancelEvents: Meanings<'cancel.requested'> = {
  'cancel.requested': { evolve: (session, { data }, { n }) => requested(session, data, n) },
}

function requested(session: Session, { end, parent }: EventData<'cancel.requested'>, n: number): Session {
  // The first frame of a child that was cancelled before it was created: whoever creates it later finds it ended.
  if (!session.born)
    return {
      ...session,
      mode: { kind: 'ended', reason: 'cancelled before it started' },
      ...(parent ? { unborn: parent } : {}),
    }
  const covered = session.inbox.map(({ message }) => message)
  if (end) return { ...session, cancel: { kind: 'end', n, covered } }
  if (session.cancel?.kind === 'end') return session
  // RN11.
  const noted =
    session.run && betweenOperations(session)
      ? { ...session, run: { ...session.run, cancelNext: true as const } }
      : session
  return stillNeeded(noted, { kind: 'cancel', n, covered })
    ? { ...noted, cancel: { kind: 'cancel', n, covered } }
    : noted
}

/** First one frame for each call that asks for one; then one frame with the outcomes of everything that is open, and the end of the turn. */
export const cancelDue =
  (states: CallStateKinds<CallState['kind']>): DueRule =>
  (session, _n, at) => {
    const { cancel, turn } = session
    if (!cancel) return null
    for (const { call, state } of turn?.calls ?? []) {
      const kind: CallStateKind<CallState> = states[state.kind]
      const first = kind.beforeCancelled?.(call, state)
      if (first) return first
    }
    const prompt = stopsPrompt(session, cancel.kind === 'end' ? undefined : cancel.kind === 'cancel' ? cancel.n : -1)
    if (prompt) return { ...prompt, events: [...prompt.events, ...cleanUpTimer(session, at)] }
    const closed = turn && (cancel.kind === 'end' || turn.n <= cancel.n) ? closing(states, session, turn, cancel) : []
    const dropped = session.inbox.flatMap(({ message }): SessionEvent[] =>
      cancel.kind === 'end' || (cancel.kind === 'cancel' && cancel.covered.includes(message))
        ? [{ type: 'message.dropped', data: { message, reason: cancel.kind === 'end' ? 'ended' : 'cancelled' } }]
        : [],
    )
    const end: readonly SessionEvent[] =
      cancel.kind === 'end' ? [{ type: 'session.ended', data: { reason: cancel.reason ?? 'ended' } }] : []
    const stopped = [...cancelledCompaction(session), ...stoppedRun(session), ...cleanUpTimer(session, at)]
    return { events: [...stopped, ...closed, ...dropped, ...end], to: closingAddress(session) }
  }

const reasons = { end: 'ended', interrupt: 'interrupted', cancel: 'cancelled', budget: 'cancelled' } as const

function closing(
  states: CallStateKinds<CallState['kind']>,
  session: Session,
  turn: Turn,
  { kind: why }: Cancel,
): readonly SessionEvent[] {
  const outcomes = turn.calls.flatMap(({ call, state }) => {
    const kind: CallStateKind<CallState> = states[state.kind]
    return kind.cancelled(call, state)
  })
  const closed = [...cancelledModelCall(turn), ...outcomes]
  if (why === 'budget') return [...closed, ...reachedEnd(session, 'wall_time')]
  const data = { turn: turn.id, usage: turn.usage, reason: reasons[why], ...listed(ranUntilNow(session, turn)) }
  return [...closed, { type: 'turn.cancelled', data }]
}
