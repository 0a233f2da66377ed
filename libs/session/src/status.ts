// The status that a state shows, and what covers it (I10): for everything open, what is going to wake it.
import type { Status } from '@reins/contracts'
import { due } from './due.ts'
import { isOpen, type Session } from './session.ts'

export function statusOf(session: Session): Status {
  switch (session.mode.kind) {
    case 'ended':
    case 'quarantined':
    case 'paused':
      return session.mode.kind
    case 'open':
      break
    default:
      session.mode satisfies never
  }
  if (!session.turn) return session.inbox.length > 0 || session.cancel ? 'running' : 'idle'
  if (session.cancel) return 'running'
  const { model, calls } = session.turn
  if (model) return model.kind === 'throttled' ? 'waiting' : 'running'
  if (calls.some(({ state }) => state.kind === 'due')) return 'running'
  return calls.some(({ state }) => isOpen(state)) ? 'waiting' : 'running'
}

/** What is going to wake a session. */
export type Cover =
  /** Nothing is open. */
  | { readonly kind: 'rest' }
  | { readonly kind: 'person'; readonly why: string }
  /** An exec trigger that is not acked. */
  | { readonly kind: 'exec-trigger'; readonly why: string }
  | { readonly kind: 'timer'; readonly timer: string }
  /** A tool trigger that is not acked, of a frame that asked for the call. */
  | { readonly kind: 'runner'; readonly call: string }
  | { readonly kind: 'child'; readonly call: string; readonly child: string }

/** Everything that is open, and what must exist to wake it. Empty never: a state at rest says so. */
export function cover(session: Session): readonly Cover[] {
  if (session.mode.kind === 'ended' || !session.born) return [{ kind: 'rest' }]
  if (due(session, 0) !== null) return [{ kind: 'exec-trigger', why: 'something is due' }]
  if (session.mode.kind !== 'open') return [{ kind: 'person', why: session.mode.kind }]
  const { turn } = session
  if (!turn) return [{ kind: 'rest' }]
  if (turn.model?.kind === 'throttled') return [{ kind: 'timer', timer: turn.model.timer }]
  if (turn.model) return [{ kind: 'exec-trigger', why: 'a model call is in flight' }]
  return turn.calls.flatMap(({ call, state }): Cover[] => {
    if (state.kind === 'requested' || state.kind === 'claimed') return [{ kind: 'runner', call }]
    return state.kind === 'delegated' ? [{ kind: 'child', call, child: state.child }] : []
  })
}
