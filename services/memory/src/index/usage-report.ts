// What was used, summed in the database by what is asked for.
import { type AskUsage, exactUsd, rootOf, type UsageGroup, type UsageReport, type UsageTotal } from '@reins/contracts'
import { sql } from 'kysely'
import type { Database } from './tables.ts'
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

type Summed = UsageCounts & { readonly key: string; readonly turns: number }

const total = sql<number>`sum(usd)::double precision`
const count = (column: string) => sql<number>`coalesce(sum(${sql.ref(column)}), 0)::bigint`

/** The largest first. */
export async function usageReport(db: Database, request: AskUsage): Promise<UsageReport> {
  const { by, limit } = request
  const groups = await usageQuery(request)(db).execute()
  const rows = groups.map(({ key, ...counts }) => ({ key, ...shown(counts) }))
  const all = groups.reduce<Summed>(plus, nothing)
  return { by, rows: rows.slice(0, limit), more: Math.max(rows.length - limit, 0), total: shown(all) }
}

export function usageQuery({ by, since, until, agent, principal, tree }: AskUsage) {
  return (db: Database) => {
    let query = db
      .selectFrom('usage')
      .select([
        keys[by].as('key'),
        sql<number>`count(*) filter (where turn <> '')::bigint`.as('turns'),
        count('model_calls').as('model_calls'),
        count('tool_calls').as('tool_calls'),
        count('input_tokens').as('input_tokens'),
        count('output_tokens').as('output_tokens'),
        count('cache_read_tokens').as('cache_read_tokens'),
        count('cache_write_tokens').as('cache_write_tokens'),
        count('reasoning_tokens').as('reasoning_tokens'),
        total.as('usd'),
        count('unpriced_tokens').as('unpriced_tokens'),
        count('charged_tokens').as('charged_tokens'),
        sql<number>`sum(charged_usd)::double precision`.as('charged_usd'),
      ])
    if (since !== undefined) query = query.where('at', '>=', since)
    if (until !== undefined) query = query.where('at', '<', until)
    if (agent !== undefined) query = query.where('agent', '=', agent.replaceAll('\0', ''))
    if (principal !== undefined) query = query.where('principal', '=', principal.replaceAll('\0', ''))
    if (tree !== undefined) query = query.where('root', '=', rootOf(tree.replaceAll('\0', '')))
    const grouped = query.groupBy(keys[by])
    return by === 'day'
      ? grouped.orderBy(keys.day, 'desc')
      : grouped.orderBy(total, 'desc').orderBy(sql`sum(input_tokens + output_tokens)`, 'desc').orderBy(keys[by])
  }
}

const nothing: Summed = {
  ...{ key: '', turns: 0, model_calls: 0, tool_calls: 0, input_tokens: 0, output_tokens: 0, cache_read_tokens: 0 },
  ...{ cache_write_tokens: 0, reasoning_tokens: 0, usd: 0, unpriced_tokens: 0, charged_tokens: 0, charged_usd: 0 },
}

function plus(a: Summed, b: Summed): Summed {
  const sum = (name: Exclude<keyof Summed, 'key'>) => a[name] + b[name]
  return {
    ...{ key: '', turns: sum('turns'), model_calls: sum('model_calls'), tool_calls: sum('tool_calls') },
    ...{ input_tokens: sum('input_tokens'), output_tokens: sum('output_tokens') },
    ...{ cache_read_tokens: sum('cache_read_tokens'), cache_write_tokens: sum('cache_write_tokens') },
    ...{ reasoning_tokens: sum('reasoning_tokens'), usd: sum('usd'), unpriced_tokens: sum('unpriced_tokens') },
    ...{ charged_tokens: sum('charged_tokens'), charged_usd: sum('charged_usd') },
  }
}

const shown = (counts: Omit<Summed, 'key'>): UsageTotal => ({
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
