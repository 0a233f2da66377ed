// reins session …
import { type SessionInfo, statuses, statusOfWord, usdText, validStatusWords } from '@reins/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ControlVerb } from '../../client-port.ts'
import { allEvents } from '../../event-pages.ts'
import { CommandFailure } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { budgetText } from '../../text/budget-lines.ts'
import { oneLine } from '../../text/neutralise.ts'
import { planLines } from '../../text/plan-lines.ts'
import type { Style } from '../../text/style.ts'
import { table } from '../../text/table.ts'
import { ago, dateTime } from '../../text/when.ts'
import { openChat } from '../chat.ts'
import { examples } from '../examples.ts'
import { eventCommands } from './events.ts'
import { outputCommand } from './output.ts'
import { promptCommand } from './prompt.ts'
import { replayCommand } from './replay-command.ts'
import { budgetCommand } from './session-budget.ts'
import { eraseCommand } from './session-erase.ts'
import { forkCommand } from './session-fork.ts'
import { stopCommands } from './session-stop.ts'
import { traceCommand } from './session-trace.ts'
import { treeCommand } from './session-tree.ts'
import { upgradeCommand } from './session-upgrade.ts'
import { verifyCommand } from './verify.ts'

export interface ListOptions {
  readonly agent?: string
  readonly status?: string
  readonly state?: string
  readonly erased?: true
  readonly limit: number
  readonly after?: string
}

const count = (text: string): number => {
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > 500) throw new InvalidArgumentError('A whole number from 1 to 500 is valid, such as 50.')
  return limit
}

const statusOf = (text: string): string => {
  const status = statusOfWord(text)
  if (status === undefined) throw new InvalidArgumentError(validStatusWords)
  return status
}

/** Completion offers the statuses; the parser also takes the other words. */
function withStatuses(option: Option): Option {
  option.argChoices = [...statuses]
  return option.argParser(statusOf)
}

export const sessionListOptions = (command: Command): Command =>
  command
    .addOption(withStatuses(new Option('--status <status>', 'show only sessions with this status')))
    .addOption(
      withStatuses(
        new Option(
          '--state <status>',
          'the same as --status; also takes RUNNING, PAUSED, COMPLETED, CANCELLED, FAILED',
        ),
      ),
    )
    .addOption(new Option('--limit <n>', 'show at most this many sessions').argParser(count).default(50))
    .option('--after <next>', 'go on behind an earlier list, which printed this value')
    .addOption(new Option('--format <form>', 'print in this form').choices(['simple', 'json']))

export function sessionCommands(program: Command, act: Act): void {
  const session = program
    .command('session')
    .description('Read, steer and check sessions: recorded conversations with agents')
  sessionListOptions(
    session
      .command('list')
      .description('List sessions, the most recently active first')
      .option('--agent <name>', 'show only sessions of this agent')
      .option('--erased', 'show only sessions that were erased'),
  )
    .addHelpText('after', examples(['reins session list', 'reins session list --agent assistant --status running']))
    .action((options: ListOptions, command: Command) => act(listSessions)([options], command))
  session
    .command('show')
    .description('Show the status, model and token usage of a session')
    .argument('<session>', 'the id of the session')
    .addHelpText('after', examples(['reins session show 01JD…', 'reins session show 01JD… --json']))
    .action((id: string, _options: object, command: Command) => act(showSession)([id], command))
  session
    .command('open')
    .description('Go on with a session in the terminal')
    .argument('<session>', 'the id of the session')
    .addHelpText('after', examples(['reins session open 01JD…']))
    .action((id: string, _options: object, command: Command) => act(openSession)([id, { resume: false }], command))
  treeCommand(session, act)
  traceCommand(session, act)
  budgetCommand(session, act)
  forkCommand(session, act)
  upgradeCommand(session, act)
  eraseCommand(session, act)
  eventCommands(session, act)
  replayCommand(session, act)
  outputCommand(session, act)
  promptCommand(session, act)
  verifyCommand(session, act)
  controlCommands(session, act)
}

function controlCommands(session: Command, act: Act): void {
  const control = (verb: ControlVerb, what: string) =>
    session
      .command(verb)
      .description(what)
      .argument('<session>', 'the id of the session')
      .addHelpText('after', examples([`reins session ${verb} 01JD…`]))
  const plain = (verb: ControlVerb, what: string, done: string) =>
    control(verb, what).action((id: string, _options: object, command: Command) =>
      act((run, one: string) => send(run, one, verb, done))([id], command),
    )
  stopCommands(session, act)
  control('resume', 'Resume a paused session, and open it in the terminal')
    .option('--detach', 'resume the session without opening it')
    .action((id: string, options: { detach?: boolean }, command: Command) => act(resume)([id, options], command))
  plain(
    'compact',
    'Let the model see a summary instead of the older messages; the log keeps them',
    'The older messages are summarised. Undo it with: reins session restore',
  )
  plain('restore', 'Undo the latest compaction of a session', 'The model sees the messages again.')
  plain('release', 'Release a session from quarantine', 'The session is released and goes on.')
  control('end', 'End a session for good; its events stay readable').action(
    (id: string, _options: object, command: Command) => act(endSession)([id], command),
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
    ...(options.erased === undefined ? {} : { erased: options.erased }),
    ...(options.after === undefined ? {} : { after: options.after }),
  })
  if (run.json) return run.printJson(found)
  if (found.sessions.length === 0) return run.hint('There are no such sessions. Start one: reins chat')
  const now = run.context.now()
  const rows = found.sessions.map((session) => [
    session.id,
    session.agent,
    statusText(session.status, run.style) +
      (session.unreadable ? run.style.red(', cannot be read') : '') +
      (session.waiting
        ? run.style.yellow(`: ${session.waiting[0]?.for} of ${oneLine(session.waiting[0]?.name ?? '')}`)
        : ''),
    String(session.turns),
    ago(session.lastActivityAt, now),
    oneLine(session.title ?? ''),
  ])
  const columns = [
    { title: 'SESSION', whole: true },
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
    [
      'erased',
      session.erased &&
        `at ${when(session.erased.at)}, by ${oneLine(session.erased.by)}${session.erased.completed || session.parent !== undefined ? '' : '; memory is at it'}`,
    ],
    [
      session.queued?.throttled === undefined ? 'queued' : 'throttled',
      session.queued &&
        style.yellow(
          session.queued.throttled !== undefined
            ? `${oneLine(session.queued.throttled)}; it waits since ${when(session.queued.since)}, ${before(session.queued.ahead)}`
            : `waits for a slot for its model call since ${when(session.queued.since)}, ${before(session.queued.ahead)}`,
        ),
    ],
    [
      'quarantine',
      session.quarantine &&
        style.red(`${oneLine(session.quarantine.reason)}. Look at frame ${session.quarantine.frame}: `) +
          `reins session events ${session.id}; then let it go on: reins session release ${session.id}`,
    ],
    ['unserved', session.unserved && style.red(oneLine(session.unserved.message))],
    [
      'waits for',
      session.waiting
        ?.map((one) => `${one.for} of ${oneLine(one.name)} (${oneLine(one.call)}) since ${ago(one.since, now)}`)
        .join('; '),
    ],
    [
      'slow',
      session.slow
        ?.map((one) =>
          style.yellow(`${oneLine(one.name)} (${oneLine(one.call)}) has shown nothing since ${ago(one.since, now)}`),
        )
        .join('; '),
    ],
    ...serverLines(session, style),
    ['parent', session.parent],
    ['forked from', session.forkedFrom && `${session.forkedFrom.session} after frame ${session.forkedFrom.frame}`],
    ['instance', session.instance === undefined ? undefined : oneLine(session.instance)],
    ['turns', String(session.turns)],
    ['tokens', `${usage.inputTokens} in (${usage.cacheReadTokens} from the cache), ${usage.outputTokens} out`],
    ['cost', session.usd === undefined ? undefined : `$${usdText(session.usd)}`],
    ['budget', session.budget && budgetText(session.budget)],
    ['started by', session.principal === undefined ? undefined : oneLine(session.principal)],
    ['created', when(session.createdAt)],
    ['last active', when(session.lastActivityAt)],
  ]
  for (const [name, value] of lines) if (value !== undefined) run.print(`${style.bold(`${name}:`.padEnd(13))}${value}`)
  if (session.plan) for (const line of planLines(session.plan.steps, run.width ?? 500, style)) run.print(line)
}

const serverLines = ({ servers = [] }: SessionInfo, style: Style): [string, string][] =>
  servers.map(({ server, status, reason }) => [
    'MCP server',
    status === 'ready'
      ? oneLine(server)
      : style.yellow(`${oneLine(server)} is not available: ${oneLine(reason ?? '')}`),
  ])

const before = (ahead: number): string =>
  ahead === 0 ? 'the next one' : ahead === 1 ? 'behind 1 other' : `behind ${ahead} others`

async function send(run: Invocation, id: string, verb: ControlVerb, done: string): Promise<void> {
  const client = await run.client()
  const accepted = await client.sessions[verb](id)
  if (run.json) run.printJson(accepted)
  else run.hint(done)
}

export const endSession = (run: Invocation, id: string): Promise<void> =>
  send(run, id, 'end', 'The session ends. Read it with: reins session events')

/** Opens the chat; with `resume` a paused session is let go on before. */
export async function openSession(run: Invocation, id: string, options: { readonly resume: boolean }): Promise<void> {
  const client = await run.client()
  const session = await client.sessions.get(id)
  if (options.resume) await refuseEnded(run, session)
  if (options.resume && session.status === 'paused') await client.sessions.resume(id)
  await openChat(run, { session: id, agent: session.agent })
}

/** An ended session goes on no more: says how it ended, and what to do instead. */
export async function refuseEnded(run: Invocation, session: SessionInfo): Promise<void> {
  if (session.status !== 'ended') return
  const client = await run.client()
  let how = ''
  for await (const { events } of allEvents(client, session.id, { signal: run.signal })) {
    const end = events.find((event) => event.type === 'session.ended')
    if (end) how = ` (${oneLine(String(Object(end.data).reason))}, by ${oneLine(end.by)})`
  }
  throw new CommandFailure(
    `Session ${session.id} ended ${dateTime(session.lastActivityAt, run.context.timeZone)}${how}.`,
    {
      next: `An ended session cannot go on. Start a new one: reins agent start ${session.agent}. Read the old one: reins session open ${session.id}`,
    },
  )
}

async function resume(run: Invocation, id: string, options: { readonly detach?: boolean }): Promise<void> {
  const interactive = run.context.stdin.isTTY === true && run.context.stdout.isTTY === true
  if (interactive && !run.json && options.detach !== true) return openSession(run, id, { resume: true })
  const client = await run.client()
  const session = await client.sessions.get(id)
  await refuseEnded(run, session)
  if (session.status === 'paused') return send(run, id, 'resume', 'The session goes on.')
  if (run.json) run.printJson({ id, status: session.status, ...(session.cursor ? { cursor: session.cursor } : {}) })
  else run.print(`The session was not paused; its status is ${session.status}.`)
}
