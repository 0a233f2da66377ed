// reins audit
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Act, Invocation } from '../../invocation.ts'
import { oneLine } from '../../text/neutralise.ts'
import { table } from '../../text/table.ts'
import { examples } from '../examples.ts'

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const duration = (text: string): number => {
  const [, count, unit] = /^([1-9][0-9]{0,4})([smhd])$/.exec(text) ?? []
  if (count === undefined || unit === undefined) throw new InvalidArgumentError('A time such as 12h or 30d is valid.')
  return Number(count) * units[unit as keyof typeof units]
}
const count = (text: string): number => {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1) throw new InvalidArgumentError('A whole number above 0 is valid.')
  return Number(text)
}

interface AuditOptions {
  readonly since?: number
  readonly principal?: string
  readonly denied?: boolean
  readonly limit?: number
}

export function auditCommand(program: Command, act: Act): void {
  program
    .command('audit')
    .description('Show who did what, allowed or denied, from where; the oldest first')
    .option('--since <time>', 'how far back, such as 12h or 30d (default 24h)', duration)
    .option('--principal <name>', 'what this principal did')
    .option('--denied', 'only what was denied')
    .option('--limit <n>', 'show at most this many (default 1000)', count)
    .addOption(new Option('--format <form>', 'print in this form').choices(['simple', 'json']))
    .addHelpText('after', examples(['reins audit --since 1h', 'reins audit --denied --since 7d']))
    .action((options: AuditOptions, command: Command) => act(audit)([options], command))
}

async function audit(run: Invocation, options: AuditOptions): Promise<void> {
  const { since = units.d, principal, denied, limit = 1000 } = options
  const client = await run.client()
  const entries = await client.access.audit({
    ...{ since: run.context.now() - since, limit },
    ...(principal === undefined ? {} : { principal }),
    ...(denied ? { denied } : {}),
  })
  if (run.json) return run.printJson({ entries })
  if (entries.length === 0) return run.hint('Nothing was done in this time.')
  const rows = entries.map(({ at, by, did, on, outcome, permission, from, count: times }) => [
    new Date(at).toISOString(),
    outcome,
    oneLine(by),
    oneLine(did) + (times !== undefined && times > 1 ? ` (${times} times)` : ''),
    oneLine(
      [on, permission === undefined ? '' : `needs ${permission}`, from === undefined ? '' : `from ${from}`]
        .filter(Boolean)
        .join(', '),
    ),
  ])
  const columns = [
    { title: 'WHEN' },
    { title: 'OUTCOME' },
    { title: 'WHO' },
    { title: 'DID', gives: true },
    { title: 'ON', gives: true },
  ]
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
}
