// reins logs: the events of a run, and of all that it asked agents to do.
import { type ApiEvent, sessionOfRun } from '@reins/contracts'
import { knownEvent } from '@reins/transcript'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { allEvents } from '../../event-pages.ts'
import { exitCodes, QuietExit } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { neutralise } from '../../text/neutralise.ts'
import { eventLine } from '../sessions/event-line.ts'
import { examples } from '../examples.ts'
import { failureOf } from './run.ts'

interface LogsOptions {
  readonly follow?: true
  readonly since?: number
  readonly types?: readonly string[]
  readonly limit?: number
}

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** An instant (epoch ms, positive), or how long ago (ms, negative): what is now is not known here. */
const timeOf = (text: string): number => {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (amount !== undefined) return -Number(amount) * units[unit as keyof typeof units]
  const at = Date.parse(text)
  if (Number.isNaN(at))
    throw new InvalidArgumentError('Give how long ago (90s, 10m, 2h, 1d), or a time: 2026-11-20T14:03:00Z.')
  return at
}
const countOf = (text: string): number => {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('A whole number above 0 is valid, such as 100.')
}
const typesOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')

export function logsCommand(program: Command, act: Act): void {
  program
    .command('logs')
    .description('Print the events of a run of a workflow, with those of the agents that it used')
    .argument('<run>', 'the id of the run')
    .option('-f, --follow', 'go on with what happens, until the run has ended')
    .addOption(new Option('--since <time>', 'only what happened since then: 10m, 2h, or a time').argParser(timeOf))
    .addOption(
      new Option('--types <list>', 'only events of these types, or whose type begins so: run.,turn.failed').argParser(
        typesOf,
      ),
    )
    .addOption(new Option('--limit <n>', 'only the last n of the events that there are').argParser(countOf))
    .addHelpText(
      'after',
      `\nWith --follow the command ends with 0 if the run completed, and with 1 if it failed or was cancelled. With --json it\nprints one event a line.\n${examples(
        [
          'reins logs run_01JD…',
          'reins logs run_01JD… --follow',
          'reins logs run_01JD… --types run.,turn.failed --since 10m --json',
        ],
      )}`,
    )
    .action((id: string, options: LogsOptions, command: Command) => act(logs)([id, options], command))
}

async function logs(run: Invocation, id: string, options: LogsOptions): Promise<void> {
  const client = await run.client()
  const { status } = await client.runs.get(id)
  const session = sessionOfRun(id)
  const { context } = run
  const since = options.since === undefined ? 0 : options.since < 0 ? context.now() + options.since : options.since
  const wanted = ({ at, type }: ApiEvent): boolean =>
    at >= since && (options.types === undefined || options.types.some((one) => type.startsWith(one)))
  const line = { style: run.style, width: run.width, zone: context.timeZone, tree: true }
  const print = (event: ApiEvent) => run.print(run.json ? JSON.stringify(event) : eventLine(event, line))

  let after: string | undefined
  let past: ApiEvent[] = []
  for await (const page of allEvents(client, session, { tree: true, signal: run.signal })) {
    after = page.cursor
    const events = page.events.filter(wanted)
    if (options.limit === undefined) events.forEach(print)
    else past = [...past, ...events].slice(-options.limit)
  }
  past.forEach(print)
  if (!options.follow) return
  if (status === 'active' && !(await follow(session, after))) throw new QuietExit(exitCodes.interrupted)
  const ended = await client.runs.get(id)
  if (ended.status === 'completed') return
  context.stderr.write(`reins: ${neutralise(failureOf(ended))}\n`)
  throw new QuietExit(exitCodes.failed)

  /** Whether the run has ended. */
  async function follow(of: string, from: string | undefined): Promise<boolean> {
    const behind = from === undefined ? {} : { after: from }
    for await (const item of client.sessions.follow(of, { ...behind, tree: true, deltas: false, signal: run.signal })) {
      if (item.type === 'connection') {
        const lost = 'state' in item && item.state === 'lost'
        context.stderr.write(`reins: ${lost ? 'The server does not answer. Waiting for it.' : 'The server is back.'}\n`)
        continue
      }
      if (!('n' in item)) continue
      const event = item as ApiEvent
      if (wanted(event)) print(event)
      if ((event.session ?? of) === of && knownEvent(event)?.type === 'session.ended') return true
    }
    return !run.signal.aborted
  }
}
