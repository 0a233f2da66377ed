// reins schedule list
import type { Schedule } from '@reins/contracts'
import { type Command, Option } from 'commander'
import type { Act, Invocation } from '../../invocation.ts'
import { oneLine } from '../../text/neutralise.ts'
import { table } from '../../text/table.ts'
import { dateTime } from '../../text/when.ts'
import { examples } from '../examples.ts'

export function scheduleCommands(program: Command, act: Act): void {
  const schedule = program
    .command('schedule')
    .description('Show when workflows and agents of projects run by themselves')
  schedule
    .command('list')
    .description('List the schedules of all projects, the next one first')
    .addOption(new Option('--format <form>', 'print in this form').choices(['simple', 'json']))
    .addHelpText('after', examples(['reins schedule list', 'reins schedule list --json']))
    .action((_options: object, command: Command) => act(list)([], command))
}

async function list(run: Invocation): Promise<void> {
  const client = await run.client()
  const schedules = await client.projects.schedules()
  if (run.json) return run.printJson({ schedules })
  if (schedules.length === 0)
    return run.hint('There are no schedules. A workflow or an agent of a project exports one as "schedule".')
  const next = ({ next: at, stopped }: Schedule): string => {
    if (stopped !== undefined) return 'stopped'
    return at === undefined ? 'never' : dateTime(at, run.context.timeZone)
  }
  const rows = schedules.map((one) => [
    next(one),
    ...[`${one.of} ${oneLine(one.name)}`, oneLine(one.project), oneLine(one.cron), oneLine(one.timeZone), one.missed],
  ])
  const columns = ['NEXT', 'OF', 'PROJECT', 'CRON', 'TIME ZONE', 'MISSED'].map((title) => ({ title }))
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
  for (const why of new Set(schedules.flatMap(({ project, stopped }) => (stopped ? [`${project}: ${stopped}`] : []))))
    run.hint(`The schedules of ${oneLine(why)}. They fire again when somebody else deploys the project.`)
}
