// What was used, summed in the database by what is asked for.
import { type AskUsage, exactUsd, rootOf, type UsageGroup, type UsageReport, type UsageTotal } from '@reins/contracts'
import { sql } from 'kysely'
import { shown as readable } from '../shown.ts'
import type { Database } from '../tables.ts'
import type { UsageCounts } from './usage-row.ts'

const keys = {
  session: sql<string>`session`,
  tree: sql<string>`root`,
  turn: sql<string>`id`,
  agent: sql<string>`agent`,
  principal: sql<string>`principal`,
  model: sql<string>`model`,
  day: sql<string>`to_char(to_timestamp(at / 1000.0) at time zone 'UTC', 'YYYY-MM-DD')`,
} as const satisfies Record<UsageGroup, unknown>

type Summed = UsageCounts & { readonly turns: number }

const sumOf = (column: string) => sql<number>`coalesce(sum(${sql.ref(column)}), 0)::bigint`
const usdSum = sql<number>`coalesce(sum(usd), 0)::double precision`

const sums = [
  sql<number>`count(*) filter (where turn <> '')::bigint`.as('turns'),
  sumOf('model_calls').as('model_calls'),
  sumOf('tool_calls').as('tool_calls'),
  sumOf('input_tokens').as('input_tokens'),
  sumOf('output_tokens').as('output_tokens'),
  sumOf('cache_read_tokens').as('cache_read_tokens'),
  sumOf('cache_write_tokens').as('cache_write_tokens'),
  sumOf('reasoning_tokens').as('reasoning_tokens'),
  usdSum.as('usd'),
  sumOf('unpriced_tokens').as('unpriced_tokens'),
  sumOf('charged_tokens').as('charged_tokens'),
  sql<number>`coalesce(sum(charged_usd), 0)::double precision`.as('charged_usd'),
] as const

/** The largest first, as many as are asked for; the total is of all of them. */
export async function usageReport(db: Database, request: AskUsage): Promise<UsageReport> {
  const { by, limit } = request
  const [groups, all] = await Promise.all([
    groupsQuery(request)(db).execute(),
    totalQuery(request)(db).executeTakeFirstOrThrow(),
  ])
  const rows = groups.map(({ key, ...counts }) => ({ key, ...shown(counts) }))
  return { by, rows, more: Math.max(all.groups - Math.min(limit, all.groups), 0), total: shown(all) }
}

const chosen =
  ({ since, until, agent, principal, tree, only }: AskUsage) =>
  (db: Database) => {
    let query = db.selectFrom('usage')
    if (since !== undefined) query = query.where('at', '>=', since)
    if (until !== undefined) query = query.where('at', '<', until)
    if (agent !== undefined) query = query.where('agent', '=', agent.replaceAll('\0', ''))
    if (principal !== undefined) query = query.where('principal', '=', principal.replaceAll('\0', ''))
    if (tree !== undefined) query = query.where('root', '=', rootOf(tree.replaceAll('\0', '')))
    if (only) query = query.where(readable(only, { session: 'session' }))
    return query
  }

const totalQuery = (request: AskUsage) => (db: Database) =>
  chosen(request)(db).select([sql<number>`count(distinct ${keys[request.by]})::bigint`.as('groups'), ...sums])

const groupsQuery = (request: AskUsage) => (db: Database) => {
  const { by, limit } = request
  const query = chosen(request)(db)
    .select([keys[by].as('key'), ...sums])
    .groupBy(keys[by])
    .limit(limit)
  return by === 'day'
    ? query.orderBy(keys.day, 'desc')
    : query.orderBy(usdSum, 'desc').orderBy(sql`sum(input_tokens + output_tokens)`, 'desc').orderBy(keys[by])
}

const shown = (counts: Summed): UsageTotal => ({
  turns: counts.turns,
  modelCalls: counts.model_calls,
  toolCalls: counts.tool_calls,
  usage: {
    inputTokens: counts.input_tokens,
    outputTokens: counts.output_tokens,
    cacheReadTokens: counts.cache_read_tokens,
    cacheWriteTokens: counts.cache_write_tokens,
    reasoningTokens: counts.reasoning_tokens,
  },
  usd: exactUsd(counts.usd),
  unpricedTokens: counts.unpriced_tokens,
  charged: { tokens: counts.charged_tokens, usd: exactUsd(counts.charged_usd) },
})
