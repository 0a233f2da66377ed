// What the name of a Claude model tells: its window, and how it thinks.
import type { ModelRequest } from '@reins/contracts'

/** Since 4.6 all but the haiku line have a million tokens; before, and where the name says nothing, 200,000. */
export function claudeWindow(model: string): number {
  const version = claudeVersion(model)
  return version !== undefined && version >= 4.06 && !model.includes('haiku') ? 1_000_000 : 200_000
}

/** `claude-opus-4-6` → 4.06, `claude-3-7-sonnet-20250219` → 3.07, `claude-sonnet-4-20250514` → 4; undefined: not told by the name. */
function claudeVersion(model: string): number | undefined {
  const found = /claude-(?:[a-z]+-)*(\d{1,2})(?:[-.](\d{1,2})(?!\d))?(?!\d)/.exec(model)
  return found ? Number(found[1]) + Number(found[2] ?? 0) / 100 : undefined
}

export type Thinking = 'adaptive' | 'budget' | 'none'

export function thinkingOf(model: string): Thinking {
  const version = claudeVersion(model)
  if ((version !== undefined && version >= 4.06) || model.startsWith('claude-mythos')) return 'adaptive'
  return version === undefined || version < 3.07 ? 'none' : 'budget'
}

const budgets = { low: 2_048, medium: 8_192, high: 24_576 } as const

/** Thinking counts against max_tokens: at least a quarter of it is left for the answer. The API takes no less than 1024. */
export function thinkingBudget(
  effort: NonNullable<ModelRequest['reasoningEffort']>,
  maxTokens: number,
): number | undefined {
  const budget = Math.min(budgets[effort], Math.floor(maxTokens * 0.75))
  return budget < 1_024 ? undefined : budget
}
