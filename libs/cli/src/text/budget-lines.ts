// What a session may use, has used, and has left, as people read it.
import { amountText, budgetNames, type SessionBudget } from '@reins/contracts'
import type { Style } from './style.ts'
import { table } from './table.ts'

export function budgetLines(
  budget: SessionBudget,
  { width, style }: { readonly width: number | undefined; readonly style: Style },
): readonly string[] {
  const rows = budgetNames.flatMap((name) => {
    const use = budget[name]
    if (!use) return []
    const { limit, spent, held } = use
    const share = limit === 0 ? 1 : spent / limit
    const percent = `${Math.round(share * 100)}%`
    const colour = budget.reached === name || share >= 1 ? style.red : share >= 0.8 ? style.yellow : style.green
    const left = Math.max(limit - spent - held, 0)
    return [
      [
        name,
        ...[spent, held, left, limit].map((amount) => amountText(name, amount)),
        colour(budget.reached === name ? `${percent}, used up` : percent),
      ],
    ]
  })
  const columns = [
    { title: 'BUDGET' },
    ...['SPENT', 'SET ASIDE', 'LEFT', 'LIMIT', 'USED'].map((title) => ({ title, align: 'right' as const })),
  ]
  return table(columns, rows, { width, title: style.bold })
}

/** On one line: `12,000 of 50,000 tokens, $0.12 of $1.00`. */
export const budgetText = (budget: SessionBudget): string =>
  budgetNames
    .flatMap((name) => {
      const use = budget[name]
      if (!use) return []
      const what = name === 'tokens' ? ' tokens' : name === 'tool_calls' ? ' tool calls' : ''
      return [`${amountText(name, use.spent)} of ${amountText(name, use.limit)}${what}`]
    })
    .join(', ')
