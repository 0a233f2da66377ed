// What a call of a model takes at most, and whether there is so much left. Asked when what is sent is known, before it is announced.
import {
  type BudgetName,
  estimateText,
  exactUsd,
  type ModelPrice,
  type Reserved,
  type SessionEvent,
  worstUsd,
} from '@reins/contracts'
import type { Session } from '../session.ts'
import { left, lent } from './budget.ts'
import { reachedWords } from './words.ts'

/** Of one request, estimated: tokens that are sent, and that the answer may have. */
export interface RequestSize {
  readonly tokens: number
  readonly answer: number
}

/** A provider counts otherwise than an estimate: so much more is set aside. */
const margin = 1.25

/** `counted`: what it takes by what a provider has counted of the same conversation, which is better than an estimate. */
export function reservedFor(size: RequestSize, price: ModelPrice | undefined, counted = 0): Reserved {
  const input = Math.ceil(Math.max(size.tokens, counted) * margin)
  const tokens = input + size.answer
  return { tokens, ...(price === undefined ? {} : { usd: worstUsd(price, input, size.answer) }) }
}

/** Of a request that stands for itself. */
export const summarySize = (texts: readonly string[], answer: number): RequestSize => ({
  tokens: texts.reduce((sum, text) => sum + estimateText(text), 0),
  answer,
})

/**
 * What happens instead of a call for which there is not enough left; null: there is. `session`: before the call begins, in a state in
 * which it is due. `model`: the one to be asked.
 */
export function insteadOfCall(session: Session, reserved: Reserved, model: string): readonly SessionEvent[] | null {
  const { budget } = session
  if (!budget) return null
  const rest = left(session)
  if (reserved.tokens > rest.tokens) return ending(session, reachedEnd(session, 'tokens', reserved.tokens))
  if (budget.limits.usd === undefined) return null
  if (reserved.usd === undefined) {
    const error = { code: 'price_unknown', message: noPrice(model) }
    const { turn } = session
    return ending(session, turn ? [{ type: 'turn.failed', data: { turn: turn.id, usage: turn.usage, error } }] : [])
  }
  return reserved.usd > rest.usd ? ending(session, reachedEnd(session, 'usd', reserved.usd)) : null
}

/** A limit in dollars means nothing for a model whose price nobody knows. */
export const noPrice = (model: string): string =>
  `The budget has a limit in US dollars, and no price is known for the model ${model}. Add its price to the file that REINS_PRICES_FILE names, or give the budget a limit in tokens instead of usd.`

/** The turn comes to its end, and says which limit it was. Nothing of it is open any more. */
export function reachedEnd(session: Session, name: BudgetName, needed?: number): readonly SessionEvent[] {
  const { turn, budget } = session
  if (!turn || !budget) return []
  const aside = lent(session)
  const amounts = {
    tokens: { spent: budget.spent.tokens, limit: budget.limits.tokens, held: aside.tokens },
    usd: { spent: budget.spent.usd, limit: budget.limits.usd, held: aside.usd },
    tool_calls: { spent: budget.spent.toolCalls, limit: budget.limits.toolCalls, held: aside.toolCalls },
    wall_time: { spent: budget.limits.wallTime ?? 0, limit: budget.limits.wallTime, held: 0 },
  }[name]
  const data = {
    turn: turn.id,
    budget: name,
    spent: exactUsd(amounts.spent),
    limit: amounts.limit ?? 0,
    ...(amounts.held > 0 ? { held: amounts.held } : {}),
    ...(needed === undefined ? {} : { needed }),
  }
  const error = { code: 'budget_reached', message: reachedWords(session, data) }
  return [
    { type: 'budget.reached', data },
    { type: 'turn.failed', data: { turn: turn.id, usage: turn.usage, error } },
  ]
}

/** `last`: of the open turn, where there is one. At rest it is a summary that was asked for, or that is to be tried again. */
function ending(session: Session, last: readonly SessionEvent[]): readonly SessionEvent[] {
  const { turn, context } = session
  const open = context?.open
  const stopped: readonly SessionEvent[] = open
    ? [
        {
          type: 'context.compaction-failed',
          data: {
            ...{ compaction: open.compaction, attempt: open.attempt },
            error: { code: 'cancelled', message: 'There is not enough left of the budget for a summary.' },
          },
        },
      ]
    : []
  if (turn) return [...stopped, ...last]
  const asked = context?.asked
  const why = 'There is not enough left of the budget for a summary.'
  return asked != null && !open ? [{ type: 'context.compaction-declined', data: { request: asked, why } }] : stopped
}
