// What a budget does in a session: calls that are refused, turns that end, what the model is told. The invariants are those of budget.ts.
import { closingAddress } from '../delegation/closing-address.ts'
import type { DueRule, OfferRule, RouteRule } from '../slice.ts'
import { beginsModelCall } from '../turn/next-call.ts'
import { left } from './budget.ts'
import { reachedEnd } from './reservation.ts'
import { nearWords, notRunWords } from './words.ts'

/** The calls of this answer that lie beyond the budget. */
export const beyondBudgetRoute: RouteRule = (call, turn, { budget }) =>
  budget?.refusedFrom !== undefined && turn.calls.indexOf(call) >= budget.refusedFrom
    ? { kind: 'settled', status: 'error', code: 'limit', output: notRunWords(budget) }
    : null

/** Of a turn that would ask its model again, and has nothing left for it. */
export const budgetDue: DueRule = (session) => {
  const { turn, budget } = session
  if (!turn || !budget || turn.model || turn.calls.some(({ state }) => state.kind !== 'done')) return null
  if (!beginsModelCall(session)) return null
  const reached = usedUp(session)
  return reached ? { events: reachedEnd(session, reached), to: closingAddress(session) } : null
}

function usedUp(session: Parameters<typeof left>[0]) {
  const { budget } = session
  if (!budget) return null
  const { limits, spent, refusedFrom } = budget
  const rest = left(session)
  if (rest.tokens <= 0) return 'tokens'
  if (rest.usd <= 0) return 'usd'
  if (refusedFrom !== undefined) return 'tool_calls'
  return limits.wallTime !== undefined && spent.wallTime >= limits.wallTime ? 'wall_time' : null
}

/** It stands behind the newest message: what came before keeps its bytes. */
export const budgetOffer: OfferRule = ({ budget }) => {
  const notice = budget ? nearWords(budget) : null
  return notice === null ? null : { notice }
}
