// reins session …
import { type SessionInfo, statuses } from '@reins/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ControlVerb } from '../client-port.ts'
import { CommandFailure } from '../failure.ts'
import type { Act, Invocation } from '../invocation.ts'
import { oneLine } from '../text/neutralise.ts'
import type { Style } from '../text/style.ts'
import { table } from '../text/table.ts'
import { ago, dateTime } from '../text/when.ts'
import { openChat } from './chat.ts'
import { eventCommands } from './events.ts'
import { examples } from './examples.ts'
import { replayCommand } from './replay-command.ts'

export interface ListOptions {
  readonly agent?: string
  readonly status?: string
  readonly state?: string
  readonly limit: number
  readonly after?: string
}

const count = (text: string): number => {
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > 500) throw new InvalidArgumentError('A whole number from 1 to 500 is valid, such as 50.')
  return limit
}

export const sessionListOptions = (command: Command): Command =>
  command
    .addOption(new Option('--status <status>', 'only with this status').choices([...statuses]))
    .addOption(new Option('--state <status>', 'the same as --status').choices([...statuses]).hideHelp())
    .addOption(new Option('--limit <n>', 'at most so many').argParser(count).default(50))
    .option('--after <next>', 'the sessions behind those of an earlier list, which ended with this')
    .addOption(new Option('--format <form>', 'how to print').choices(['simple', 'json']))

export function sessionCommands(program: Command, act: Act): void {
  const session = program.command('session').description('sessions: conversations with agents, kept event by event')
  sessionListOptions(
    session
      .command('list')
      .description('list sessions, the latest first')
      .option('--agent <name>', 'only of this agent'),
  )
    .addHelpText('after', examples(['reins session list', 'reins session list --agent assistant --status running']))
    .action((options: ListOptions, command: Command) => act(listSessions)([options], command))
  session
    .command('show')
    .description('show a session')
    .argument('<session>', 'its id')
    .addHelpText('after', examples(['reins session show 01JD…', 'reins session show 01JD… --json']))
    .action((id: string, _options: object, command: Command) => act(showSession)([id], command))
  session
    .command('open')
    .description('go on with a session in the terminal')
    .argument('<session>', 'its id')
    .addHelpText('after', examples(['reins session open 01JD…']))
    .action((id: string, _options: object, command: Command) => act(openSession)([id, { resume: false }], command))
  eventCommands(session, act)
  replayCommand(session, act)
  session
    .command('verify')
    .description('check that no event of a session was changed, lost or added')
    .argument('<session>', 'its id')
    .addHelpText('after', examples(['reins session verify 01JD…']))
    .action((id: string, _options: object, command: Command) => act(verify)([id], command))
  controlCommands(session, act)
}

function controlCommands(session: Command, act: Act): void {
  const control = (verb: ControlVerb, what: string) =>
    session
      .command(verb)
      .description(what)
      .argument('<session>', 'its id')
      .addHelpText('after', examples([`reins session ${verb} 01JD…`]))
  const plain = (verb: ControlVerb, what: string, done: string) =>
    control(verb, what).action((id: string, _options: object, command: Command) =>
      act((run, one: string) => send(run, one, verb, done))([id], command),
    )
  plain('cancel', 'cancel the turn that runs, and the messages that wait', 'The turn is being cancelled.')
  plain('pause', 'stop after what runs now; messages wait', 'The session is paused.')
  control('resume', 'let a paused session go on, then open it in the terminal')
    .option('--detach', 'do not open it')
    .action((id: string, options: { detach?: boolean }, command: Command) => act(resume)([id, options], command))
  plain('release', 'let a session go on that is in quarantine', 'The session was released.')
  control('end', 'end a session for good').action((id: string, _options: object, command: Command) =>
    act(endSession)([id], command),
  )
}

export function statusText(status: SessionInfo['status'], style: Style): string {
  switch (status) {
    case 'running':
      return style.green(status)
    case 'waiting':
    case 'paused':
      return style.yellow(status)
    case 'quarantined':
      return style.red(status)
    case 'ended':
      return style.dim(status)
    case 'idle':
      return status
    default:
      return status satisfies never
  }
}

export async function listSessions(run: Invocation, options: ListOptions): Promise<void> {
  const client = await run.client()
  const status = options.status ?? options.state
  const found = await client.sessions.list({
    limit: options.limit,
    ...(options.agent === undefined ? {} : { agent: options.agent }),
    ...(status === undefined ? {} : { status }),
    ...(options.after === undefined ? {} : { after: options.after }),
  })
  if (run.json) return run.printJson(found)
  if (found.sessions.length === 0) return run.print('There are no such sessions. Begin one: reins chat')
  const now = run.context.now()
  const rows = found.sessions.map((session) => [
    session.id,
    session.agent,
    statusText(session.status, run.style),
    String(session.turns),
    ago(session.lastActivityAt, now),
    oneLine(session.title ?? ''),
  ])
  const columns = [
    { title: 'SESSION' },
    { title: 'AGENT' },
    { title: 'STATUS' },
    { title: 'TURNS', align: 'right' as const },
    { title: 'ACTIVE' },
    { title: 'TITLE', gives: true },
  ]
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
  if (found.next !== undefined) run.print(run.style.dim(`There are more: --after ${oneLine(found.next)}`))
}

export async function showSession(run: Invocation, id: string): Promise<void> {
  const client = await run.client()
  const session = await client.sessions.get(id)
  if (run.json) return run.printJson(session)
  const { style, context } = run
  const now = context.now()
  const when = (at: number) => `${dateTime(at, context.timeZone)} (${ago(at, now)})`
  const { usage } = session
  const lines: (readonly [string, string | undefined])[] = [
    ['session', session.id],
    ['title', session.title === undefined ? undefined : oneLine(session.title)],
    ['agent', `${session.agent} (${session.digest})`],
    ['model', session.model],
    ['status', statusText(session.status, style)],
    ['parent', session.parent],
    ['instance', session.instance === undefined ? undefined : oneLine(session.instance)],
    ['turns', String(session.turns)],
    ['tokens', `${usage.inputTokens} in (${usage.cacheReadTokens} from the cache), ${usage.outputTokens} out`],
    ['created', when(session.createdAt)],
    ['last active', when(session.lastActivityAt)],
  ]
  for (const [name, value] of lines) if (value !== undefined) run.print(`${style.bold(`${name}:`.padEnd(13))}${value}`)
}

async function send(run: Invocation, id: string, verb: ControlVerb, done: string): Promise<void> {
  const client = await run.client()
  const accepted = await client.sessions[verb](id)
  if (run.json) run.printJson(accepted)
  else run.print(done)
}

export const endSession = (run: Invocation, id: string): Promise<void> =>
  send(run, id, 'end', 'The session ends. Its events stay: reins session events')

/** Opens the chat; with `resume` a paused session is let go on before. */
export async function openSession(run: Invocation, id: string, options: { readonly resume: boolean }): Promise<void> {
  const client = await run.client()
  const session = await client.sessions.get(id)
  if (options.resume && session.status === 'paused') await client.sessions.resume(id)
  await openChat(run, { session: id, agent: session.agent })
}

async function resume(run: Invocation, id: string, options: { readonly detach?: boolean }): Promise<void> {
  const interactive = run.context.stdin.isTTY === true && run.context.stdout.isTTY === true
  if (interactive && !run.json && options.detach !== true) return openSession(run, id, { resume: true })
  const client = await run.client()
  const session = await client.sessions.get(id)
  if (session.status === 'paused') return send(run, id, 'resume', 'The session goes on.')
  if (run.json) run.printJson({ id, status: session.status, ...(session.cursor ? { cursor: session.cursor } : {}) })
  else run.print(`The session was not paused: it is ${session.status}.`)
}

async function verify(run: Invocation, id: string): Promise<void> {
  if (run.context.verify === undefined)
    throw new CommandFailure('This build cannot read the frames of a session.', {
      next: 'Run it with the reins of the machine that the server runs on.',
    })
  const result = await run.context.verify(await run.client(), id)
  if (run.json) run.printJson({ session: id, ...result })
  else if (result.ok)
    run.print(`${run.style.green('✓')} ${result.frames} frames, each as it was written, none missing.`)
  else {
    run.print(`${run.style.red('✗')} The chain of ${id} is broken (${result.frames} frames read):`)
    for (const problem of result.problems) run.print(`  ${oneLine(problem)}`)
  }
  if (!result.ok)
    throw new CommandFailure('The session did not pass the check.', {
      next: 'Restore the data folder from a backup, or look at the frames named above with reins session events.',
    })
}
