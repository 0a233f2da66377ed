// reins approvals …
import { objectIn } from '@reins/transcript'
import { type ApprovalInfo, type ApprovalState, approvalStates, type DecideApproval } from '@reins/contracts'
import { type Command, Option } from 'commander'
import { wouldRun } from '../approvals/would-run.ts'
import { toolInput } from '../chat/painting/tool-line.ts'
import { CommandFailure } from '../failure.ts'
import type { Act, Invocation } from '../invocation.ts'
import { oneLine } from '../text/neutralise.ts'
import { table } from '../text/table.ts'
import { ago, dateTime, span } from '../text/when.ts'
import { count } from './count.ts'
import { examples } from './examples.ts'
import { watchNews } from './sessions/watch-news.ts'

interface ListOptions {
  readonly state: ApprovalState | 'all'
  readonly agent?: string
  readonly session?: string
  readonly tree?: string
  readonly limit: number
  readonly watch?: true
}

interface DecideOptions {
  readonly reason?: string
  readonly scope?: 'call' | 'tool' | 'target'
  readonly args?: string
}

export function approvalCommands(program: Command, act: Act): void {
  const approvals = program.command('approvals').description('Decide about tool calls that wait for a person')
  approvals
    .command('list')
    .description('List the calls that wait, and what each would do')
    .addOption(
      new Option('--state <state>', 'calls in this state').choices([...approvalStates, 'all']).default('waiting'),
    )
    .option('--agent <name>', 'only calls of this agent')
    .option('--session <session>', 'only calls of this session')
    .option('--tree <session>', 'only calls of this session and of all that it delegated to')
    .option('--limit <count>', 'how many', count, 50)
    .option('--watch', 'go on: print each call as it begins to wait, until Ctrl-C')
    .addHelpText(
      'after',
      examples(['reins approvals list', 'reins approvals list --watch', 'reins approvals list --state denied --json']),
    )
    .action((options: ListOptions, command: Command) => act(list)([options], command))
  decision(approvals, 'approve', 'Let a call run')
    .addOption(
      new Option(
        '--scope <scope>',
        'what is approved: this call, all calls of this tool, or those of this tool with this target, in this session',
      )
        .choices(['call', 'tool', 'target'])
        .default('call'),
    )
    .option('--args <json>', 'run it with these arguments instead (a JSON object)')
    .addHelpText(
      'after',
      examples([
        'reins approvals approve 01JD… k3',
        'reins approvals approve 01JD… k3 --scope target',
        `reins approvals approve 01JD… k3 --args '{"command":"npm test"}'`,
      ]),
    )
    .action((session: string, call: string, options: DecideOptions, command: Command) =>
      act(approve)([session, call, options], command),
    )
  decision(approvals, 'deny', 'Refuse a call; the model reads the reason')
    .addHelpText('after', examples(['reins approvals deny 01JD… k3 --reason "use the staging database"']))
    .action((session: string, call: string, options: DecideOptions, command: Command) =>
      act(deny)([session, call, options], command),
    )
  approvals
    .command('grants')
    .description('List what needs no further approval in a session')
    .argument('<session>', 'the id of the session')
    .addHelpText('after', examples(['reins approvals grants 01JD…']))
    .action((session: string, _options: object, command: Command) => act(grants)([session], command))
  approvals
    .command('revoke')
    .description('Revoke a grant of a session, or all of them')
    .argument('<session>', 'the id of the session')
    .argument('[grant]', 'the id of the grant')
    .option('--all', 'revoke all grants of the session')
    .addHelpText('after', examples(['reins approvals revoke 01JD… g7Kq', 'reins approvals revoke 01JD… --all']))
    .action((session: string, grant: string | undefined, options: { all?: true }, command: Command) =>
      act(revoke)([session, grant, options], command),
    )
}

const decision = (approvals: Command, verb: string, what: string): Command =>
  approvals
    .command(verb)
    .description(what)
    .argument('<session>', 'the id of the session')
    .argument('<call>', 'the id of the call, as the list shows it')
    .option('--reason <text>', 'why: it stands in the log')

async function list(run: Invocation, options: ListOptions): Promise<void> {
  if (options.watch) return watch(run, options)
  const client = await run.client()
  const found = await client.approvals.list(queryOf(options))
  if (run.json) return run.printJson(found)
  if (found.approvals.length === 0)
    return run.hint(options.state === 'waiting' ? 'No call waits for approval.' : 'There are no such calls.')
  const now = run.context.now()
  if (options.state === 'waiting') {
    for (const one of found.approvals) printCall(run, one, now)
  } else {
    const rows = found.approvals.map((one) => [
      one.session,
      one.call,
      oneLine(one.agent),
      one.state,
      oneLine(one.decidedBy ?? one.grant ?? ''),
      ago(one.decidedAt ?? one.requestedAt, now),
      `${oneLine(one.name)} ${toolInput(argumentsOf(one))}`,
    ])
    const titles = ['SESSION', 'CALL', 'AGENT', 'STATE', 'BY', 'WHEN']
    const columns = [...titles.map((title) => ({ title })), { title: 'WHAT', gives: true }]
    for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
  }
  if (found.next !== undefined) run.hint(run.style.dim('There are more: give a larger --limit.'))
}

const queryOf = ({ state, agent, session, tree, limit }: ListOptions) => ({
  state,
  limit,
  ...(agent === undefined ? {} : { agent }),
  ...(session === undefined ? {} : { session }),
  ...(tree === undefined ? {} : { tree }),
})

const argumentsOf = ({ arguments: args }: ApprovalInfo): Readonly<Record<string, unknown>> =>
  typeof args === 'object' && args !== null ? (args as Record<string, unknown>) : {}

/** All that a person needs to decide, and the words to do it with. */
function printCall(run: Invocation, one: ApprovalInfo, now: number): void {
  const { style } = run
  const expires =
    one.expiresAt === undefined
      ? ''
      : `, ${one.expiresAt <= now ? 'expired' : `expires in ${span(one.expiresAt - now)}`}`
  const votes = one.quorum === undefined ? '' : `, ${one.approvers?.length ?? 0} of ${one.quorum} have approved`
  run.print(
    `${style.bold(`${one.session} ${oneLine(one.call)}`)} ${style.dim(`${oneLine(one.agent)}, ${ago(one.requestedAt, now)}${expires}${votes}`)}`,
  )
  run.print(`  ${style.dim(oneLine(one.reason))}`)
  const lines =
    one.arguments === undefined
      ? [style.yellow(`${oneLine(one.name)}: its arguments are long; read them with reins session events`)]
      : wouldRun({ name: one.name, arguments: argumentsOf(one) }, style)
  for (const line of lines) run.print(`  ${line}`)
  run.hint(style.dim(`  reins approvals approve ${one.session} ${oneLine(one.call)}`))
}

async function watch(run: Invocation, options: ListOptions): Promise<void> {
  const client = await run.client()
  await watchNews(run, {
    look: async () => (await client.approvals.list(queryOf(options))).approvals,
    idOf: ({ session, call }) => `${session}/${call}`,
    print: (one) => (run.json ? run.print(JSON.stringify(one)) : printCall(run, one, run.context.now())),
  })
}

async function approve(run: Invocation, session: string, call: string, options: DecideOptions): Promise<void> {
  const args = options.args === undefined ? undefined : parsedArguments(options.args)
  await decide(run, session, call, {
    verdict: args === undefined ? 'approved' : 'edited',
    ...(args === undefined ? {} : { args }),
    ...(options.scope === undefined ? {} : { scope: options.scope }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  })
}

function parsedArguments(text: string): Record<string, unknown> {
  const value = objectIn(text)
  if (value) return value
  throw new CommandFailure('--args is no JSON object.', {
    next: `Give all arguments of the tool, such as --args '{"command":"npm test"}'`,
  })
}

const deny = (run: Invocation, session: string, call: string, { reason }: DecideOptions): Promise<void> =>
  decide(run, session, call, { verdict: 'denied', ...(reason === undefined ? {} : { reason }) })

async function decide(run: Invocation, session: string, call: string, decision: DecideApproval): Promise<void> {
  const client = await run.client()
  const decided = await client.approvals.decide(session, call, decision)
  if (run.json) return run.printJson(decided)
  if (decided.quorum !== undefined)
    return run.hint(`${decided.approvals ?? 0} of ${decided.quorum} have approved; the call waits for the others.`)
  run.hint(decided.verdict === 'denied' ? 'The call is denied: it does not run.' : 'The call runs.')
  if (decided.grant !== undefined)
    run.hint(
      `Grant ${decided.grant}: such calls need no approval in this session. Revoke it: reins approvals revoke ${session} ${decided.grant}`,
    )
}

async function grants(run: Invocation, session: string): Promise<void> {
  const client = await run.client()
  const found = await client.approvals.grants(session)
  if (run.json) return run.printJson({ grants: found })
  if (found.length === 0) return run.hint('The session has no grants.')
  const { style, context } = run
  const rows = found.map(({ grant, tool, target, by, at }) => [
    grant,
    oneLine(tool),
    oneLine(by),
    dateTime(at, context.timeZone),
    target === undefined ? style.dim('any') : oneLine(target),
  ])
  const columns = [
    { title: 'GRANT' },
    { title: 'TOOL' },
    { title: 'BY' },
    { title: 'SINCE' },
    { title: 'TARGET', gives: true },
  ]
  for (const line of table(columns, rows, { width: run.width, title: style.bold })) run.print(line)
}

async function revoke(
  run: Invocation,
  session: string,
  grant: string | undefined,
  options: { readonly all?: true },
): Promise<void> {
  const client = await run.client()
  if ((grant === undefined) === (options.all === undefined)) {
    const known = (await client.approvals.grants(session)).map((one) => one.grant)
    throw new CommandFailure('Name the grant to revoke, or give --all.', {
      next: known.length === 0 ? 'The session has no grants.' : `The session has these grants: ${known.join(', ')}`,
    })
  }
  const { revoked } = await client.approvals.revoke(session, grant)
  if (run.json) return run.printJson({ revoked })
  run.hint(revoked.length === 0 ? 'The session had no grants.' : `Revoked: ${revoked.join(', ')}.`)
}
