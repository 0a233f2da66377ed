// reins elicitations …
import type { ElicitationContent, ElicitationInfo } from '@reins/contracts'
import { type Command, Option } from 'commander'
import { filledIn, formFields } from '../elicitations/form-fields.ts'
import { CommandFailure } from '../failure.ts'
import type { Act, Invocation } from '../invocation.ts'
import { oneLine } from '../text/neutralise.ts'
import { span } from '../text/when.ts'
import { examples } from './examples.ts'

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
    .description('List what servers ask in a session now')
    .argument('<session>', 'the id of the session')
    .addHelpText('after', examples(['reins elicitations list 01JD…']))
    .action((session: string, _options: object, command: Command) => act(list)([session], command))
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

async function list(run: Invocation, session: string): Promise<void> {
  const client = await run.client()
  const found = await client.elicitations.list(session)
  if (run.json) return run.printJson({ elicitations: found })
  if (found.length === 0) return run.hint('No server asks anything in this session.')
  const now = run.context.now()
  for (const one of found) printQuestion(run, one, now)
}

function printQuestion(run: Invocation, one: ElicitationInfo, now: number): void {
  const { style } = run
  const expires = one.expiresAt <= now ? 'expired' : `expires in ${span(one.expiresAt - now)}`
  const id = oneLine(one.elicitation_id)
  run.print(`${style.bold(id)} ${style.dim(`${oneLine(one.tool)}, ${expires}`)}`)
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
    throw new CommandFailure('Say what the answer is.', { next: 'Give --accept, --done, --decline or --cancel.' })
  if (given && (decline || cancel))
    throw new CommandFailure('The options contradict each other.', {
      next: 'Give fields and --done with --accept only.',
    })
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
    if (at < 1) throw new CommandFailure(`--set ${pair} is no name=value.`, { next: 'Such as --set name=Ada' })
    return [pair.slice(0, at), pair.slice(at + 1)]
  })
  return filledIn(asked?.schema, Object.fromEntries(pairs))
}

function parsed(text: string): ElicitationContent {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CommandFailure('--content is no JSON object.', { next: `Such as --content '{"name":"Ada"}'` })
  return value as ElicitationContent
}
