// The status that a state shows, and what covers it (I10): for everything open, what is going to wake it.
import type { Status } from '@reins/contracts'
import { due } from './due.ts'
import { runStatus } from '../run/run-due.ts'
import { isOpen, type Session } from '../session.ts'
import type { Cover } from '../slice.ts'
import { coverRules } from '../slices.ts'
import { waitsForTools } from '../toolset/toolset.ts'

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
  const open = session.context?.open
  if (open && !session.cancel) return open.kind === 'throttled' ? 'waiting' : 'running'
  const ofRun = runStatus(session)
  if (ofRun) return ofRun
  if (!session.turn)
    return session.inbox.length > 0 || session.cancel || session.context?.asked != null ? 'running' : 'idle'
  if (session.cancel) return 'running'
  if (waitsForTools(session)) return 'waiting'
  const { model, calls } = session.turn
  if (model) return model.kind === 'throttled' ? 'waiting' : 'running'
  if (calls.some(({ state }) => state.kind === 'due')) return 'running'
  return calls.some(({ state }) => isOpen(state) || state.kind === 'waiting' || state.kind === 'eliciting')
    ? 'waiting'
    : 'running'
}

/** Everything that is open, and what must exist to wake it. Empty never: a state at rest says so. */
export function cover(session: Session): readonly Cover[] {
  if (session.beyond) return [{ kind: 'exec-trigger', why: `a newer process understands frame ${session.beyond.n}` }]
  if (due(session, 0) !== null) return [{ kind: 'exec-trigger', why: 'something is due' }]
  for (const rule of coverRules) {
    const covers = rule(session)
    if (covers) return covers
  }
  return [{ kind: 'rest' }]
}
