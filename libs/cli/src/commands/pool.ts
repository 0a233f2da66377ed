// reins pool …
import { ReinsError } from '@reins/contracts'
import type { Command } from 'commander'
import { Painter } from '../chat/painting/painter.ts'
import type { ReinsClient } from '../client-port.ts'
import { exitCodes, QuietExit } from '../failure.ts'
import type { Act, Invocation } from '../invocation.ts'
import { wrap } from '../text/cells.ts'
import { fitted } from '../text/fitted.ts'
import { oneLine } from '../text/neutralise.ts'
import { table } from '../text/table.ts'
import { span } from '../text/when.ts'
import { examples } from './examples.ts'

export function poolCommands(program: Command, act: Act): void {
  const pool = program.command('pool').description('Show the pools: queues of work by the labels that it asks for')
  pool
    .command('list')
    .description('List the pools: what waits, for how long, and which processes serve it')
    .option('--watch', 'show them anew every two seconds, until you stop it')
    .addHelpText('after', examples(['reins pool list', 'reins pool list --watch', 'reins pool list --json']))
    .action((options: ListOptions, command: Command) => act(list)([options], command))
}

interface ListOptions {
  readonly watch?: true
}

type Pools = Awaited<ReturnType<ReinsClient['pools']>>

async function list(run: Invocation, { watch }: ListOptions): Promise<void> {
  const client = await run.client()
  const pools = await client.pools()
  if (watch) return watchPools(run, client, pools)
  if (run.json) return run.printJson({ pools })
  for (const line of linesOf(run, pools, run.width)) run.print(line)
  for (const hint of hintsOf(run, pools)) run.hint(hint)
}

const lookEveryMs = 2000

/** On a terminal the list is drawn in place; programs get one list a line, and files one list below the other, where it has changed. */
async function watchPools(run: Invocation, client: ReinsClient, first: Pools): Promise<void> {
  const { context, style } = run
  const { stdout } = context
  const columns = () => Math.max(20, stdout.columns || 80)
  const painter = run.width === undefined || run.json ? undefined : new Painter((text) => stdout.write(text), columns())
  let told = ''
  const tell = (pools: Pools, away: boolean) => {
    const width = columns() - 1
    if (painter) {
      const notice = away ? [style.yellow('⚠ The server does not answer. Waiting for it.')] : []
      const said = [...hintsOf(run, pools), ...notice].flatMap((line) => wrap(line, width))
      const lines = [...linesOf(run, pools, width), ...said]
      return painter.paint([], { lines: fitted(lines, Math.max(2, (stdout.rows || 24) - 2)) }, columns())
    }
    const text = JSON.stringify({ pools })
    if (text === told) return
    told = text
    if (run.json) return run.print(text)
    for (const line of linesOf(run, pools, undefined)) run.print(line)
  }
  let pools = first
  let away = false
  try {
    while (!run.signal.aborted) {
      tell(pools, away)
      await context.sleep(lookEveryMs, run.signal)
      try {
        if (!run.signal.aborted) pools = await client.pools()
        away = false
      } catch (error) {
        if (!(error instanceof ReinsError && error.code === 'unavailable')) throw error
        away = true
      }
    }
  } finally {
    painter?.clear(columns())
  }
  if (painter) for (const line of linesOf(run, pools, run.width)) run.print(line)
  throw new QuietExit(exitCodes.interrupted)
}

function linesOf({ style }: Invocation, pools: Pools, width: number | undefined): readonly string[] {
  if (pools.length === 0) return ['There are no pools, because no session has asked for work yet.']
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
  return table(columns, rows, { width, title: style.bold })
}

function hintsOf({ style }: Invocation, pools: Pools): readonly string[] {
  const orphaned = pools.filter((pool) => pool.servedBy.length === 0 && pool.backlog > 0)
  return orphaned.map((pool) => {
    const labels = Object.entries(pool.labels).map(([name, value]) => ` --label ${name}=${value}`)
    return style.yellow(
      `No process serves ${pool.kind} ${oneLine(pool.key)}. Start one with "reins service ${pool.kind}${labels.join('')}".`,
    )
  })
}
