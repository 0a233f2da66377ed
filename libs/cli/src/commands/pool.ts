// reins pool …
import type { Command } from 'commander'
import type { Act, Invocation } from '../invocation.ts'
import { oneLine } from '../text/neutralise.ts'
import { table } from '../text/table.ts'
import { span } from '../text/when.ts'
import { examples } from './examples.ts'

export function poolCommands(program: Command, act: Act): void {
  const pool = program.command('pool').description('Show the pools: queues of work by the labels that it asks for')
  pool
    .command('list')
    .description('List the pools: what waits, for how long, and which processes serve it')
    .addHelpText('after', examples(['reins pool list', 'reins pool list --json']))
    .action((_options: object, command: Command) => act(list)([], command))
}

async function list(run: Invocation): Promise<void> {
  const client = await run.client()
  const pools = await client.pools()
  if (run.json) return run.printJson({ pools })
  if (pools.length === 0) return run.print('There are no pools, because no session has asked for work yet.')
  const { style } = run
  const rows = pools.map((pool) => {
    const labels = Object.entries(pool.labels).map(([name, value]) => `${name}=${value}`)
    const slots = pool.servedBy.reduce((sum, one) => sum + one.slots, 0)
    const busy = pool.servedBy.reduce((sum, one) => sum + one.busy, 0)
    const queued = pool.servedBy.reduce((sum, one) => sum + (one.queued ?? 0), 0)
    const longest = Math.max(...pool.servedBy.map((one) => one.queuedMs ?? 0))
    const servers = pool.servedBy.map((one) => oneLine(one.instance) + (one.leaving ? ' (leaving)' : ''))
    return [
      pool.kind,
      labels.length === 0 ? style.dim('any') : oneLine(labels.join(' ')),
      pool.backlog > 0 ? style.yellow(String(pool.backlog)) : '0',
      pool.oldestMs === undefined ? '' : span(pool.oldestMs),
      String(pool.inProgress),
      `${busy}/${slots}`,
      queued === 0 ? '0' : style.yellow(`${queued} (${span(longest)})`),
      servers.length === 0 ? style.red('nobody') : servers.join(', '),
    ]
  })
  const columns = [
    { title: 'KIND' },
    { title: 'LABELS' },
    { title: 'BACKLOG', align: 'right' as const },
    { title: 'OLDEST', align: 'right' as const },
    { title: 'RUNNING', align: 'right' as const },
    { title: 'BUSY', align: 'right' as const },
    { title: 'QUEUED', align: 'right' as const },
    { title: 'SERVED BY', gives: true },
  ]
  for (const line of table(columns, rows, { width: run.width, title: style.bold })) run.print(line)
  const orphaned = pools.filter((pool) => pool.servedBy.length === 0 && pool.backlog > 0)
  for (const pool of orphaned) {
    const labels = Object.entries(pool.labels).map(([name, value]) => ` --label ${name}=${value}`)
    run.hint(
      style.yellow(
        `No process serves ${pool.kind} ${oneLine(pool.key)}. Start one with "reins service ${pool.kind}${labels.join('')}".`,
      ),
    )
  }
}
