// reins run, reins deliver: a run of a workflow, from its payload to its result, and what it waits for.
//   RN1. stdout has the result alone; what happens meanwhile, and what the run waits for, goes to stderr.
//   RN2. Leaving ends nothing: a run is the server's, and the last line says how to see it again.
import { type Budget, sessionOfRun, type WorkflowRun } from '@reins/contracts'
import { knownEvent } from '@reins/transcript'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { whyItWaits } from '../../chat/one-shot.ts'
import type { FollowItem, ReinsClient } from '../../client-port.ts'
import { asTyped, exitCodes, QuietExit } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { neutralise, oneLine } from '../../text/neutralise.ts'
import { eventLine } from '../sessions/event-line.ts'
import { budgetOption } from '../chat.ts'
import { examples } from '../examples.ts'
import { jsonArgument, jsonHelp } from './json-argument.ts'

interface RunOptions {
  readonly payload?: string
  readonly budget?: Budget
  readonly detach?: true
  readonly quiet?: true
}
interface DeliverOptions {
  readonly value?: string
  readonly event?: string
  readonly operation?: number
}

const positionOf = (text: string): number => {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is a whole number, as "reins run" and "reins logs" show it.')
}

export function runCommands(program: Command, act: Act): void {
  program
    .command('run')
    .description('Run a workflow of a deployed project, wait for its end, and print its result')
    .argument('<workflow>', 'the name of the workflow')
    .option('--payload <json>', `what the workflow is given as ctx.payload: ${jsonHelp}`)
    .addOption(budgetOption())
    .option('--detach', 'print the id of the run and return at once')
    .option('--quiet', 'print no events on stderr, only what the run waits for')
    .addHelpText(
      'after',
      `\nThe result goes to stdout as JSON, the events to stderr. The command ends with 0 if the run completed, with 1 if\nit failed or was cancelled, and with 130 after Ctrl-C; the run goes on then.\n${examples(
        [
          'reins run report',
          `reins run report --payload '{"ticket": 7}'`,
          'reins run report --payload @ticket.json --quiet > result.json',
          'reins run report --budget tokens=50000,usd=0.25',
          'cat ticket.json | reins run report --payload - --detach',
        ],
      )}`,
    )
    .action((workflow: string, options: RunOptions, command: Command) => act(start)([workflow, options], command))
  program
    .command('deliver')
    .description('Give a run what it waits for: the input of a pause, or an event')
    .argument('<run>', 'the id of the run')
    .option('--value <json>', `what the run is given: ${jsonHelp}`)
    .option('--event <name>', 'an event for ctx.waitFor(); without it this is the input of ctx.pause()')
    .addOption(
      new Option('--operation <n>', 'the pause that is meant, where there are several (default: the oldest)')
        .argParser(positionOf)
        .conflicts('event'),
    )
    .addHelpText(
      'after',
      examples([
        `reins deliver run_01JD… --value '{"approved": true}'`,
        `reins deliver run_01JD… --event paid --value '{"amount": 12}'`,
      ]),
    )
    .action((id: string, options: DeliverOptions, command: Command) => act(deliver)([id, options], command))
}

async function start(run: Invocation, workflow: string, options: RunOptions): Promise<void> {
  const payload = await jsonArgument(run, '--payload', options.payload)
  const client = await run.client()
  const { run: begun } = await client.runs.start(
    {
      workflow,
      ...(payload === undefined ? {} : { payload }),
      ...(options.budget === undefined ? {} : { budget: options.budget }),
    },
    { idempotencyKey: run.context.makeKey() },
  )
  if (options.detach) return run.json ? run.printJson(begun) : run.print(begun.runId)
  const say = (text: string) => run.context.stderr.write(`${asTyped(neutralise(text), run.context.env.typed)}\n`)
  say(`reins: The run ${begun.runId} has begun.`)
  const ended = await untilEnded(run, client, begun.runId, options.quiet === true || run.json, say)
  if (ended) return told(run, ended)
  // RN2.
  say(`reins: The run goes on at the server. See it with: reins logs ${begun.runId} --follow`)
  throw new QuietExit(exitCodes.interrupted)
}

/** undefined: nobody waits any more. */
async function untilEnded(
  run: Invocation,
  client: ReinsClient,
  id: string,
  quiet: boolean,
  say: (text: string) => void,
): Promise<WorkflowRun | undefined> {
  const session = sessionOfRun(id)
  const width = run.context.stderr.isTTY === true ? run.width : undefined
  const line = { style: run.style, width, zone: run.context.timeZone, tree: true }
  for await (const item of client.sessions.follow(session, { tree: true, deltas: false, signal: run.signal })) {
    if (item.type === 'connection') {
      const lost = 'state' in item && item.state === 'lost'
      say(lost ? 'reins: The server does not answer. Waiting for it.' : 'reins: The server is back.')
      continue
    }
    if (!('n' in item)) continue
    if (!quiet) run.context.stderr.write(`${eventLine(item as Parameters<typeof eventLine>[0], line)}\n`)
    const of = 'session' in item && typeof item.session === 'string' ? item.session : session
    const why = of === session ? waitsFor(item, id) : whyItWaits(item as Parameters<typeof whyItWaits>[0], of)
    if (why !== undefined) say(`reins: ${why}`)
    if (of === session && knownEvent(item as Parameters<typeof knownEvent>[0])?.type === 'session.ended')
      return client.runs.get(id)
  }
  return run.signal.aborted ? undefined : client.runs.get(id)
}

function waitsFor(item: FollowItem, id: string): string | undefined {
  const event = 'n' in item ? knownEvent(item as Parameters<typeof knownEvent>[0]) : undefined
  if (event?.type === 'session.paused') return 'The run is paused. Waiting until somebody resumes it.'
  if (event?.type !== 'run.waited') return undefined
  const { position, event: name, output } = event.data
  if (name !== undefined)
    return `The run waits for the event ${oneLine(name)}: reins deliver ${id} --event ${oneLine(name)} --value '…'`
  const said = output === undefined ? '' : ` after ${JSON.stringify(output).slice(0, 2000)}`
  return `The run waits for input${said}: reins deliver ${id} --operation ${position} --value '…'`
}

/** Its result, or why there is none. */
function told(run: Invocation, ended: WorkflowRun): void {
  if (run.json) run.printJson(ended)
  else if (ended.status === 'completed') run.print(neutralise(JSON.stringify(ended.result ?? null, null, 2)))
  else run.context.stderr.write(`reins: ${neutralise(failureOf(ended))}\n`)
  if (ended.status !== 'completed') throw new QuietExit(exitCodes.failed)
}

export function failureOf({ runId, status, error }: WorkflowRun): string {
  if (status === 'cancelled') return `The run ${runId} was cancelled.`
  const where = error?.where === undefined ? '' : ` (${error.where})`
  return `The run ${runId} failed: ${error?.message ?? 'it said nothing about why'}${where}`
}

async function deliver(run: Invocation, id: string, options: DeliverOptions): Promise<void> {
  const value = await jsonArgument(run, '--value', options.value)
  const { event, operation } = options
  const client = await run.client()
  const accepted = await client.runs.deliver(
    id,
    {
      ...(event === undefined ? {} : { event }),
      ...(operation === undefined ? {} : { operation }),
      ...(value === undefined ? {} : { value }),
    },
    { idempotencyKey: run.context.makeKey() },
  )
  if (run.json) return run.printJson(accepted)
  run.print(`The run ${accepted.runId} has it.`)
}
