// What sessions have used: of the API, and of the request to the memory service, which has it in its index.
import { type Static, Type } from 'typebox'
import type { Only } from '../access/only.ts'
import { BudgetName, budgetFields } from '../budget/limits.ts'
import { Usage } from '../events/content.ts'

const closed = { additionalProperties: false } as const
const amount = (description: string) => Type.Number({ description })

/** One limit of a session: tokens, US dollars, calls, or ms of wall_time. */
export const BudgetUse = Type.Object(
  {
    limit: amount('What it may use'),
    spent: amount('What it has used, with the sessions below it that have ended'),
    held: amount('What is set aside: for a call of its model that is in flight, and for sessions below it'),
  },
  closed,
)
export type BudgetUse = Static<typeof BudgetUse>

/** By the name of the limit; those that it does not have are absent. */
export const SessionBudget = Type.Object(
  {
    tokens: Type.Optional(BudgetUse),
    usd: Type.Optional(BudgetUse),
    tool_calls: Type.Optional(BudgetUse),
    wall_time: Type.Optional(BudgetUse),
    reached: Type.Optional(BudgetName),
  },
  closed,
)
export type SessionBudget = Static<typeof SessionBudget>

/** The new limits; those that are left out stay. */
export const RaiseBudget = Type.Object(
  {
    ...budgetFields,
    go_on: Type.Optional(
      Type.Boolean({
        description: 'Where the latest turn has ended for the budget, let the session go on with it. Default true',
      }),
    ),
  },
  closed,
)
export type RaiseBudget = Static<typeof RaiseBudget>

export const usageGroups = ['session', 'tree', 'turn', 'agent', 'principal', 'model', 'day'] as const
export type UsageGroup = (typeof usageGroups)[number]
export const UsageGroup = Type.Unsafe<UsageGroup>(Type.Union(usageGroups.map((group) => Type.Literal(group))))

const used = {
  turns: Type.Integer({ description: 'Turns that have asked a model for something' }),
  modelCalls: Type.Integer({ description: 'Answers of models, summaries included' }),
  toolCalls: Type.Integer({ description: 'Calls that models have asked for' }),
  usage: Usage,
  usd: amount('US dollars, at the prices that were known'),
  unpricedTokens: Type.Integer({ description: 'Tokens of models whose price was not known' }),
  charged: Type.Object(
    { tokens: Type.Integer(), usd: Type.Number() },
    {
      ...closed,
      description: 'Besides, what was set aside for attempts whose usage nobody knows: lost, cancelled, broken off',
    },
  ),
}

export const UsageTotal = Type.Object(used, closed)
export type UsageTotal = Static<typeof UsageTotal>

export const UsageRow = Type.Object(
  { key: Type.String({ description: 'The session, agent, principal, model, turn (session/turn) or day' }), ...used },
  closed,
)
export type UsageRow = Static<typeof UsageRow>

/** The largest first: by cost, then by tokens. `more`: rows beyond the limit, which `total` counts too. */
export const UsageReport = Type.Object(
  { by: UsageGroup, rows: Type.Array(UsageRow), more: Type.Integer(), total: UsageTotal },
  closed,
)
export type UsageReport = Static<typeof UsageReport>

/** `usage.report` of the memory service. Times are epoch ms: from `since`, before `until`. */
export interface AskUsage {
  readonly only?: Only
  readonly by: UsageGroup
  readonly since?: number
  readonly until?: number
  readonly agent?: string
  readonly principal?: string
  /** A session: what belongs to the same tree. */
  readonly tree?: string
  readonly limit: number
}
