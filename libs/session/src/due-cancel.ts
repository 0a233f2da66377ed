// What is due about a cancel, an interrupt or an end (PROTOCOL 7): it comes before everything else.
import { type SessionEvent, toExec, toLog } from '@reins/contracts'
import type { Due } from './due.ts'
import type { Session } from './session.ts'

/** PROTOCOL 7: first one frame a child, to its pool; then one frame with the outcomes of everything that is open, and the end of the turn. */
export function cancelDue(session: Session): Due | null {
  const { cancel, turn } = session
  if (!cancel) return null
  const child = turn?.calls.find(({ state }) => state.kind === 'delegated' && !state.cancelSent)
  if (child?.state.kind === 'delegated') {
    const { child: id, pool } = child.state
    return {
      events: [{ type: 'delegation.cancel-requested', data: { call: child.call, child: id, pool } }],
      to: toExec(pool),
    }
  }
  const events: SessionEvent[] = []
  const reason =
    cancel.kind === 'end'
      ? ('ended' as const)
      : cancel.kind === 'interrupt'
        ? ('interrupted' as const)
        : ('cancelled' as const)
  if (turn && (cancel.kind === 'end' || turn.n <= cancel.n)) {
    if (turn.model?.kind === 'running')
      events.push({
        type: 'model-call.failed',
        data: {
          call: turn.model.call,
          attempt: turn.model.attempt,
          error: { code: 'cancelled', message: 'The turn was cancelled.' },
        },
      })
    for (const { call, state } of turn.calls) {
      if (state.kind === 'done') continue
      events.push(
        state.kind === 'delegated'
          ? {
              type: 'delegation.settled',
              data: { call, child: state.child, status: 'cancelled', output: 'The turn was cancelled.' },
            }
          : { type: 'tool-call.cancelled', data: { call } },
      )
    }
    events.push({ type: 'turn.cancelled', data: { turn: turn.id, usage: turn.usage, reason } })
  }
  for (const { message } of session.inbox)
    if (cancel.kind === 'end' || (cancel.kind === 'cancel' && cancel.covered.includes(message)))
      events.push({ type: 'message.dropped', data: { message, reason: cancel.kind === 'end' ? 'ended' : 'cancelled' } })
  if (cancel.kind === 'end') events.push({ type: 'session.ended', data: { reason: 'ended' } })
  const parent = session.born?.parent
  return { events, to: parent ? toExec(parent.pool) : toLog }
}
