// reins usage: what sessions have used, and what it cost.
import { type UsageGroup, type UsageReport, type UsageTotal, usageGroups, usdText } from '@reins/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Act, Invocation } from '../invocation.ts'
import { oneLine } from '../text/neutralise.ts'
import { table } from '../text/table.ts'
import { count } from './count.ts'
import { examples } from './examples.ts'

interface UsageOptions {
  readonly by: UsageGroup
  readonly since?: string
  readonly until?: string
  readonly agent?: string
  readonly principal?: string
  readonly tree?: string
  readonly limit: number
}

export function usageCommand(program: Command, act: Act): void {
  program
    .command('usage')
    .description('Show what sessions have used and what it cost, the largest first')
    .addOption(new Option('--by <what>', 'one row for each of these').choices([...usageGroups]).default('agent'))
    .addOption(
      new Option('--since <time>', 'count from then on: 24h, 7d, or a date such as 2026-11-01').argParser(aTime),
    )
    .addOption(new Option('--until <time>', 'count what came before').argParser(aTime))
    .option('--agent <name>', 'count only sessions of this agent')
    .option('--principal <name>', 'count only sessions that this principal started')
    .option('--tree <session>', 'count only the delegation tree of this session')
    .addOption(new Option('--limit <n>', 'show at most this many rows').argParser(count).default(50))
    .addHelpText(
      'after',
      examples([
        'reins usage --since 7d',
        'reins usage --by day --agent coder',
        'reins usage --by session --tree 01JD… --json',
      ]),
    )
    .action((options: UsageOptions, command: Command) => act(showUsage)([options], command))
}

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** It stays as it was typed until it is known what time it is. */
function aTime(text: string): string {
  if (timeOf(text, 0) === null)
    throw new InvalidArgumentError('Give a span before now such as 24h or 7d, or a date such as 2026-11-01.')
  return text
}

function timeOf(text: string, now: number): number | null {
  const span = /^(\d{1,6})([smhd])$/.exec(text)
  const unit = span?.[2]
  if (span && (unit === 's' || unit === 'm' || unit === 'h' || unit === 'd'))
    return Math.max(now - Number(span[1]) * units[unit], 0)
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? null : Math.max(at, 0)
}

async function showUsage(run: Invocation, options: UsageOptions): Promise<void> {
  const client = await run.client()
  const now = run.context.now()
  const { since, until, ...rest } = options
  const report = await client.usage({
    ...rest,
    ...(since === undefined ? {} : { since: timeOf(since, now) ?? 0 }),
    ...(until === undefined ? {} : { until: timeOf(until, now) ?? 0 }),
  })
  if (run.json) return run.printJson(report)
  if (report.rows.length === 0) return run.hint('Nothing was used in this time.')
  for (const line of usageLines(report, run)) run.print(line)
}

export function usageLines(
  report: UsageReport,
  { width, style }: Pick<Invocation, 'width' | 'style'>,
): readonly string[] {
  const { by, rows, more, total } = report
  const columns = [
    { title: by.toUpperCase(), whole: by === 'session' || by === 'tree' },
    ...['TURNS', 'CALLS', 'TOOLS', 'IN', 'CACHED', 'OUT', 'COST'].map((title) => ({ title, align: 'right' as const })),
  ]
  const cells = (key: string, used: UsageTotal) => [
    key,
    ...[used.turns, used.modelCalls, used.toolCalls, used.usage.inputTokens, used.usage.cacheReadTokens].map(thousands),
    thousands(used.usage.outputTokens),
    costText(used),
  ]
  const all = [...rows.map(({ key, ...used }) => cells(oneLine(key) || '-', used)), cells('total', total)]
  const lines = table(columns, all, { width, title: style.bold })
  const last = lines.at(-1) ?? ''
  return [
    ...lines.slice(0, -1),
    style.bold(last),
    ...(more > 0
      ? [style.dim(`${more} more ${more === 1 ? 'row is' : 'rows are'} part of the total: --limit shows more.`)]
      : []),
    ...(total.unpricedTokens > 0
      ? [style.dim(`+ The price of ${thousands(total.unpricedTokens)} tokens is not known: see docs/budgets.md.`)]
      : []),
    ...(total.charged.tokens > 0
      ? [
          style.dim(
            `Besides, up to ${thousands(total.charged.tokens)} tokens ($${usdText(total.charged.usd)}) were used by attempts that broke off.`,
          ),
        ]
      : []),
  ]
}

const thousands = (amount: number): string => amount.toLocaleString('en-US')
const costText = ({ usd, unpricedTokens }: UsageTotal): string =>
  `${usd === 0 && unpricedTokens > 0 ? '?' : `$${usdText(usd)}`}${usd > 0 && unpricedTokens > 0 ? '+' : ''}`
