// Budgets: how much a session, and all that is delegated from it, may use. As definitions say it, and as events and deciding know it.
import { type Static, Type } from 'typebox'
import { durationMs } from '../agents/approvals.ts'

export const maxBudgetTokens = 1_000_000_000_000
export const maxBudgetUsd = 1_000_000

const WallTime = Type.String({
  pattern: '^[1-9][0-9]{0,4}(s|m|h|d)$',
  description: 'How long its turns may take together: 90s, 30m, 12h, 7d',
})

/** The fields of a budget, as people write them. */
export const budgetFields = {
  tokens: Type.Optional(
    Type.Integer({ minimum: 1, maximum: maxBudgetTokens, description: 'Tokens that models read and write' }),
  ),
  usd: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: maxBudgetUsd,
      description: 'US dollars, at the prices that the operator knows',
    }),
  ),
  tool_calls: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000_000_000, description: 'Calls of tools, delegations among them' }),
  ),
  wall_time: Type.Optional(WallTime),
}

export const Budget = Type.Object(budgetFields, {
  additionalProperties: false,
  minProperties: 1,
  description: 'How much it may use, all that it delegates included (docs/budgets.md)',
})
export type Budget = Static<typeof Budget>

/** As events say it. Absent: no limit. */
export const BudgetLimits = Type.Object({
  tokens: Type.Optional(Type.Integer({ minimum: 0 })),
  usd: Type.Optional(Type.Number({ minimum: 0 })),
  toolCalls: Type.Optional(Type.Integer({ minimum: 0 })),
  /** ms */
  wallTime: Type.Optional(Type.Integer({ minimum: 0 })),
})
export type BudgetLimits = Static<typeof BudgetLimits>

/** What was used. `usd`: as far as prices were known. */
export const Spent = Type.Object({
  tokens: Type.Integer({ minimum: 0 }),
  usd: Type.Number({ minimum: 0 }),
  toolCalls: Type.Integer({ minimum: 0 }),
})
export type Spent = Static<typeof Spent>

export const BudgetName = Type.Union([
  Type.Literal('tokens'),
  Type.Literal('usd'),
  Type.Literal('tool_calls'),
  Type.Literal('wall_time'),
])
export type BudgetName = Static<typeof BudgetName>
export const budgetNames = ['tokens', 'usd', 'tool_calls', 'wall_time'] as const satisfies readonly BudgetName[]

const fieldOf = {
  tokens: 'tokens',
  usd: 'usd',
  tool_calls: 'toolCalls',
  wall_time: 'wallTime',
} as const satisfies Record<BudgetName, keyof BudgetLimits>

/** A limit by the name that people know it by; undefined: there is none. */
export const limitNamed = (limits: BudgetLimits, name: BudgetName): number | undefined => limits[fieldOf[name]]

export function budgetLimits(budget: Partial<Budget> | undefined): BudgetLimits {
  const { tokens, usd, tool_calls: toolCalls, wall_time: wallTime } = budget ?? {}
  return {
    ...(tokens === undefined ? {} : { tokens }),
    ...(usd === undefined ? {} : { usd }),
    ...(toolCalls === undefined ? {} : { toolCalls }),
    ...(wallTime === undefined ? {} : { wallTime: durationMs(wallTime) }),
  }
}

/** Of each limit the smallest that one of them has. */
export function narrowest(...all: readonly (BudgetLimits | undefined)[]): BudgetLimits {
  const limits: Partial<Record<keyof BudgetLimits, number>> = {}
  for (const one of all)
    for (const name of Object.values(fieldOf)) {
      const limit = one?.[name]
      if (limit !== undefined) limits[name] = Math.min(limit, limits[name] ?? limit)
    }
  return limits
}

export const hasLimit = (limits: BudgetLimits): boolean => Object.values(limits).some((limit) => limit !== undefined)
