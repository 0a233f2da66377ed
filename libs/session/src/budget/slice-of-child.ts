// The part of its budget that a session sets aside for a child (BU2 of budget.ts).
import { type BudgetLimits, type DeclaredAgent, exactUsd, hasLimit } from '@reins/contracts'
import type { Session } from '../session.ts'
import { left } from './budget.ts'

/**
 * What the entry of the agent says, or else an equal share of what is left, of which one is kept; never more than is left. `due`: how many
 * delegations are going to be asked for, this one among them. undefined: nothing limits the child.
 */
export function budgetSlice(
  session: Session,
  { budget: own = {} }: DeclaredAgent,
  due: number,
): BudgetLimits | undefined {
  const rest = left(session)
  const part = (said: number | undefined, there: number, share: (amount: number) => number): number | undefined => {
    if (there === Number.POSITIVE_INFINITY) return said
    return said === undefined ? share(there / (due + 1)) : Math.min(said, there)
  }
  const tokens = part(own.tokens, rest.tokens, Math.floor)
  const usd = part(own.usd, rest.usd, (amount) => exactUsd(Math.floor(amount * 1e9) / 1e9))
  const toolCalls = part(own.toolCalls, rest.toolCalls, Math.floor)
  const slice = {
    ...(tokens === undefined ? {} : { tokens }),
    ...(usd === undefined ? {} : { usd }),
    ...(toolCalls === undefined ? {} : { toolCalls }),
    ...(own.wallTime === undefined ? {} : { wallTime: own.wallTime }),
  }
  return hasLimit(slice) ? slice : undefined
}

/** Why nothing can be delegated; null: there is something left for it. */
export function nothingLeft(session: Session): string | null {
  const rest = left(session)
  const short = rest.tokens < 2 ? 'tokens' : rest.usd <= 2e-9 ? 'US dollars' : null
  return short && `Not delegated: the budget of ${short} is used up. Answer with what you have.`
}
