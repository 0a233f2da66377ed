// What people and models read of a budget.
import { amountText, type BudgetName, type EventData, limitNamed } from '@reins/contracts'
import type { Session } from '../session.ts'
import type { BudgetState } from './budget.ts'

const called: Readonly<Record<BudgetName, string>> = {
  tokens: 'tokens',
  usd: 'US dollars',
  tool_calls: 'tool calls',
  wall_time: 'time',
}

const unit = (name: BudgetName): string => (name === 'tokens' || name === 'tool_calls' ? ` ${called[name]}` : '')

/** Why a turn has ended, and what can be done. */
export function reachedWords(
  { id, born }: Pick<Session, 'id' | 'born'>,
  { budget, spent, limit, held, needed }: EventData<'budget.reached'>,
): string {
  const used =
    budget === 'wall_time'
      ? `The turns of this session may take ${amountText(budget, limit)} together, and that time is over.`
      : `This session may use ${amountText(budget, limit)}${unit(budget)}, and has used ${amountText(budget, spent)}.`
  const aside =
    held === undefined ? '' : ` Another ${amountText(budget, held)} are set aside for sessions that it delegated to.`
  const next = needed === undefined ? '' : ` The next step may take up to ${amountText(budget, needed)}.`
  const advice = born?.parent
    ? 'Its budget is a part of the budget of the session that delegated to it: that one may delegate again with what it has left.'
    : `To go on, raise the limit: reins session budget ${id} --raise ${budget}=${raiseExample(budget, limit)}`
  return `The budget is used up (${budget}). ${used}${aside}${next} ${advice}`
}

const raiseExample = (name: BudgetName, limit: number): string =>
  name === 'wall_time'
    ? `${Math.max(Math.ceil((limit * 2) / 60_000), 1)}m`
    : `${name === 'usd' ? limit * 2 : Math.ceil(limit * 2)}`

/** What a model is told of a call that it may not make any more. */
export const notRunWords = ({ limits }: BudgetState): string =>
  `Not run: the budget of ${limits.toolCalls ?? 0} tool calls is used up. The turn ends here; it can go on when a person raises the budget.`

/** The share of a limit from which on the model is told. */
export const nearShare = 0.8

/** null: no limit is near. */
export function nearWords({ limits, spent, late }: BudgetState): string | null {
  const used = { tokens: spent.tokens, usd: spent.usd, tool_calls: spent.toolCalls }
  const near = (['tokens', 'usd', 'tool_calls'] as const).flatMap((name) => {
    const limit = limitNamed(limits, name)
    return limit !== undefined && used[name] >= limit * nearShare
      ? [`${amountText(name, used[name])} of ${amountText(name, limit)}${unit(name)}`]
      : []
  })
  const { wallTime } = limits
  const time =
    wallTime !== undefined && (late || spent.wallTime >= wallTime * nearShare)
      ? [`most of the ${amountText('wall_time', wallTime)}`]
      : []
  const all = [...near, ...time]
  if (all.length === 0) return null
  return `[Budget: ${all.join(' and ')} that you may use are used. When a budget is used up, your turn ends at once. Bring your work to a good end now: say what is done and what is missing.]`
}
