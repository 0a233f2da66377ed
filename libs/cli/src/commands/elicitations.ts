// reins elicitations …
import { objectIn } from '@reins/transcript'
import {
  type AskedElicitation,
  type ElicitationContent,
  type ElicitationInfo,
  type ElicitationState,
  elicitationStates,
} from '@reins/contracts'
import { type Command, Option } from 'commander'
import { filledIn, formFields } from '../elicitations/form-fields.ts'
import { usageFailure } from '../failure.ts'
import type { Act, Invocation } from '../invocation.ts'
import { oneLine } from '../text/neutralise.ts'
import { table } from '../text/table.ts'
import { ago, span } from '../text/when.ts'
import { count } from './count.ts'
import { examples } from './examples.ts'
import { watchNews } from './sessions/watch-news.ts'

interface ListOptions {
  readonly state: ElicitationState | 'all'
  readonly agent?: string
  readonly tree?: string
  readonly limit: number
  readonly watch?: true
}

interface AnswerOptions {
  readonly accept?: true
  readonly decline?: true
  readonly cancel?: true
  readonly done?: true
  readonly set: readonly string[]
  readonly content?: string
}

export function elicitationCommands(program: Command, act: Act): void {
  const elicitations = program
    .command('elicitations')
    .description('Answer MCP servers that ask a person something in the middle of a call')
  elicitations
    .command('list')
    .description('List what servers ask people now, in all sessions or in one')
    .argument('[session]', 'the id of a session; all sessions without it')
    .addOption(
      new Option('--state <state>', 'questions in this state')
        .choices([...elicitationStates, 'all'])
        .default('waiting'),
    )
    .option('--agent <name>', 'only questions in sessions of this agent')
    .option('--tree <session>', 'only questions of this session and of all that it delegated to')
    .option('--limit <count>', 'how many', count, 50)
    .option('--watch', 'go on: print each question as it is asked, until Ctrl-C')
    .addHelpText(
      'after',
      examples(['reins elicitations list', 'reins elicitations list --watch', 'reins elicitations list 01JD…']),
    )
    .action((session: string | undefined, options: ListOptions, command: Command) =>
      act(list)([session, options], command),
    )
  elicitations
    .command('answer')
    .description('Answer one of them')
    .argument('<session>', 'the id of the session')
    .argument('<elicitation>', 'the id of the elicitation, as the list shows it')
    .addOption(
      new Option('--accept', 'agree: the page may be opened, or the form is filled in').conflicts([
        'decline',
        'cancel',
      ]),
    )
    .addOption(new Option('--decline', 'refuse; the model is told so').conflicts('cancel'))
    .option('--cancel', 'give no answer; the model is told so')
    .option('--done', 'agree, and say that what the page asks for is done')
    .option('--set <name=value>', 'a field of the form; may be given several times', collect, [])
    .option('--content <json>', 'all fields of the form (a JSON object)')
    .addHelpText(
      'after',
      examples([
        'reins elicitations answer 01JD… g7Kq --accept',
        'reins elicitations answer 01JD… g7Kq --done',
        'reins elicitations answer 01JD… g7Kq --accept --set name=Ada --set age=36',
        'reins elicitations answer 01JD… g7Kq --decline',
      ]),
    )
    .action((session: string, elicitation: string, options: AnswerOptions, command: Command) =>
      act(answer)([session, elicitation, options], command),
    )
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

async function list(run: Invocation, session: string | undefined, options: ListOptions): Promise<void> {
  if (options.watch) return watch(run, session, options)
  const client = await run.client()
  const now = run.context.now()
  // The session itself says what waits in it, also while there is no index.
  const unfiltered = options.agent === undefined && options.tree === undefined
  if (session !== undefined && options.state === 'waiting' && unfiltered) {
    const waiting = await client.elicitations.list(session)
    if (run.json) return run.printJson({ elicitations: waiting })
    if (waiting.length === 0) return run.hint('No server asks anything in this session.')
    for (const one of waiting) printQuestion(run, one, oneLine(one.tool), now)
    return
  }
  const found = await client.elicitations.listAll(queryOf(session, options))
  if (run.json) return run.printJson(found)
  if (found.elicitations.length === 0)
    return run.hint(options.state === 'waiting' ? 'No server asks anything.' : 'There are no such questions.')
  if (options.state === 'waiting') for (const one of found.elicitations) printAsked(run, one, now)
  else printTable(run, found.elicitations, now)
  if (found.next !== undefined) run.hint(run.style.dim('There are more: give a larger --limit.'))
}

const queryOf = (session: string | undefined, { state, agent, tree, limit }: ListOptions) => ({
  state,
  limit,
  ...(agent === undefined ? {} : { agent }),
  ...(session === undefined ? {} : { session }),
  ...(tree === undefined ? {} : { tree }),
})

async function watch(run: Invocation, session: string | undefined, options: ListOptions): Promise<void> {
  const client = await run.client()
  await watchNews(run, {
    look: async () => (await client.elicitations.listAll(queryOf(session, options))).elicitations,
    idOf: (one) => `${one.session}/${one.elicitation_id}`,
    print: (one) => (run.json ? run.print(JSON.stringify(one)) : printAsked(run, one, run.context.now())),
  })
}

function printTable(run: Invocation, asked: readonly AskedElicitation[], now: number): void {
  const rows = asked.map((one) => [
    one.session,
    oneLine(one.elicitation_id),
    oneLine(one.agent),
    one.state,
    oneLine(one.answeredBy ?? ''),
    ago(one.endedAt ?? one.requestedAt, now),
    `[${oneLine(one.server_name)}] ${oneLine(one.message)}`,
  ])
  const titles = ['SESSION', 'ELICITATION', 'AGENT', 'STATE', 'BY', 'WHEN']
  const columns = [...titles.map((title) => ({ title })), { title: 'WHAT', gives: true }]
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
}

const printAsked = (run: Invocation, one: AskedElicitation, now: number): void =>
  printQuestion(run, one, `${oneLine(one.agent)}, ${ago(one.requestedAt, now)}`, now)

type Question = Pick<
  ElicitationInfo,
  'session' | 'elicitation_id' | 'server_name' | 'message' | 'url' | 'schema' | 'expiresAt'
> & { readonly state: ElicitationState }

/** All that a person needs to answer, and the words to do it with. `about`: who asks it, and when. */
function printQuestion(run: Invocation, one: Question, about: string, now: number): void {
  const { style } = run
  const { expiresAt } = one
  const expires =
    expiresAt === undefined ? 'no time limit' : expiresAt <= now ? 'expired' : `expires in ${span(expiresAt - now)}`
  const id = oneLine(one.elicitation_id)
  run.print(`${style.bold(`${one.session} ${id}`)} ${style.dim(`${about}, ${expires}`)}`)
  run.print(`  [${oneLine(one.server_name)}] ${oneLine(one.message)}`)
  if (one.url !== undefined) run.print(`  ${oneLine(one.url)}`)
  for (const { name, hint } of formFields(one.schema))
    run.print(`  ${name}${style.dim(hint === '' ? '' : `: ${hint}`)}`)
  const command = `reins elicitations answer ${one.session} ${id}`
  run.hint(style.dim(`  ${command} ${one.state === 'accepted' ? '--done' : '--accept'}`))
}

async function answer(run: Invocation, session: string, elicitation: string, options: AnswerOptions): Promise<void> {
  const { accept, decline, cancel, done, set } = options
  const given = accept || done || set.length > 0 || options.content !== undefined
  if (!given && !decline && !cancel)
    throw usageFailure('Say what the answer is.', 'Give --accept, --done, --decline or --cancel.')
  if (given && (decline || cancel))
    throw usageFailure('The options contradict each other.', 'Give fields and --done with --accept only.')
  const client = await run.client()
  const content = given ? await contentOf(run, session, elicitation, options) : undefined
  const action = decline ? 'decline' : cancel ? 'cancel' : 'accept'
  const answered = await client.elicitations.answer(session, elicitation, {
    action,
    ...(content === undefined ? {} : { content }),
    ...(done ? { completed: true } : {}),
  })
  if (run.json) return run.printJson(answered)
  if (answered.state === 'accepted')
    return run.hint(
      `The call waits until the server says that the page is done. Say it yourself: reins elicitations answer ${session} ${elicitation} --done`,
    )
  run.hint(action === 'accept' ? 'The call goes on.' : `The server is told: ${action}.`)
}

async function contentOf(
  run: Invocation,
  session: string,
  elicitation: string,
  { set, content }: AnswerOptions,
): Promise<ElicitationContent | undefined> {
  if (content !== undefined) return parsed(content)
  if (set.length === 0) return undefined
  const client = await run.client()
  const asked = (await client.elicitations.list(session)).find((one) => one.elicitation_id === elicitation)
  const pairs = set.map((pair): readonly [string, string] => {
    const at = pair.indexOf('=')
    if (at < 1) throw usageFailure(`--set ${pair} is no name=value.`, 'Such as --set name=Ada')
    return [pair.slice(0, at), pair.slice(at + 1)]
  })
  return filledIn(asked?.schema, Object.fromEntries(pairs))
}

function parsed(text: string): ElicitationContent {
  const value = objectIn(text)
  if (value) return value as ElicitationContent
  throw usageFailure('--content is no JSON object.', `Such as --content '{"name":"Ada"}'`)
}
