// How long the turns of a session may take together. A turn has a timer for what is left; when it fires, the turn ends (BU3).
import { type SessionEvent, toLog } from '@reins/contracts'
import type { Session } from '../session.ts'
import type { DueRule, TimerRule } from '../slice.ts'
import { withBudget } from './budget.ts'

/** The share of the time after which the model is told. */
const nearlyShare = 0.8

/** Names of the timers of the open turn; a limit that was raised has others. null: the time has no limit, or there is no turn. */
export function wallTimers({ budget, turn }: Session): { readonly over: string; readonly nearly: string } | null {
  const limit = budget?.limits.wallTime
  return turn && limit !== undefined ? { over: `b-${turn.id}-${limit}`, nearly: `b-${turn.id}-${limit}-nearly` } : null
}

/** They are armed with the turn, and again where a person has raised the limit. */
export const wallTimeDue: DueRule = (session, _n, at) => {
  const { budget, turn } = session
  const timers = wallTimers(session)
  const limit = budget?.limits.wallTime
  if (!budget || !turn || !timers || limit === undefined || budget.armed === timers.over) return null
  const { spent, began = at } = budget
  const left = limit - spent.wallTime
  if (left <= 0) return null
  const nearly = limit * nearlyShare - spent.wallTime
  const armed = (timer: string, after: number): SessionEvent => ({
    type: 'timer.armed',
    data: { timer, at: Math.ceil(began + after) },
  })
  return {
    events: [...(nearly > 0 ? [armed(timers.nearly, nearly)] : []), armed(timers.over, left)],
    to: toLog,
  }
}

export const wallTimer: TimerRule = (session, timer) => {
  const { turn } = session
  const timers = wallTimers(session)
  if (!turn || !timers) return session
  if (timer === timers.nearly) return withBudget(session, (budget) => ({ ...budget, late: true }))
  if (timer !== timers.over || session.cancel) return session
  return { ...session, cancel: { kind: 'budget', n: turn.n, covered: [] } }
}
