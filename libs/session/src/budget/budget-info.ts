// A budget as people see it.
import { addUsd, type BudgetUse, type SessionBudget } from '@reins/contracts'
import type { Session } from '../session.ts'
import { lent } from './budget.ts'

/** undefined: nothing limits the session. */
export function budgetInfo(session: Session): SessionBudget | undefined {
  const { budget, metered } = session
  if (!budget) return undefined
  const { limits, spent, reached } = budget
  const below = lent(session)
  const use = (limit: number | undefined, used: number, held: number): BudgetUse | undefined =>
    limit === undefined ? undefined : { limit, spent: used, held }
  const all = {
    tokens: use(limits.tokens, spent.tokens, below.tokens + (metered?.reserved.tokens ?? 0)),
    usd: use(limits.usd, spent.usd, addUsd(below.usd, metered?.reserved.usd ?? 0)),
    tool_calls: use(limits.toolCalls, spent.toolCalls, below.toolCalls),
    wall_time: use(limits.wallTime, spent.wallTime, 0),
  }
  const there = Object.fromEntries(Object.entries(all).filter(([, one]) => one !== undefined))
  return { ...there, ...(reached === undefined ? {} : { reached: reached.budget }) }
}
