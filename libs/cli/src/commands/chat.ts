// reins chat
import { type Budget, isMapping, ReinsError, type SessionInfo } from '@reins/contracts'
import { type Command, Option } from 'commander'
import { type InstanceAddress, runChat } from '../chat/chat.ts'
import { runPlainChat } from '../chat/plain/plain-chat.ts'
import { askOnce, type OneShotResult } from '../chat/one-shot.ts'
import { fileHistory, noHistory } from '../chat/typing/history-file.ts'
import type { ReinsClient } from '../client-port.ts'
import { CommandFailure, exitCodes, QuietExit, usageFailure } from '../failure.ts'
import { type Act, defaultAgent, type Invocation } from '../invocation.ts'
import { neutralise } from '../text/neutralise.ts'
import { examples } from './examples.ts'
import { imagesIn } from '../images/image-files.ts'
import { budgetArgument } from './sessions/session-budget.ts'
import { readAll } from './stdin.ts'

export interface ChatFlags {
  readonly agent?: string
  readonly session?: string
  readonly message?: string
  readonly outputSchema?: string
  readonly image?: readonly string[]
  readonly budget?: Budget
  readonly instance?: InstanceAddress
}

export function chatCommand(program: Command, act: Act): void {
  program
    .command('chat')
    .description('Chat with an agent in the terminal, or send it one message')
    .addOption(new Option('-a, --agent <name>', `chat with this agent (default: ${defaultAgent})`).conflicts('session'))
    .option('-s, --session <id>', 'go on with this session instead of a new one')
    .addOption(budgetOption())
    .option('-m, --message <text>', 'send this message, print the answer, and exit; - reads the message from stdin')
    .option(
      '--output-schema <file>',
      'with -m: the answer has to fit the JSON Schema in this file, and its value is printed',
    )
    .addOption(imageOption())
    .addHelpText(
      'after',
      `\nWhen stdin is not a terminal, reins reads one message from it, prints the answer alone, and exits with 0 if the\nturn completed.\n${examples(
        [
          'reins chat',
          'reins chat --agent coder',
          'reins chat -m "How many lines has README.md?"',
          'git diff | reins chat --agent reviewer',
          'reins chat -m "Once more, shorter" --session 01JD… --json',
          'reins chat -m "Which files are tests?" --output-schema files.json',
          'reins chat -m "What is wrong here?" --image screen.png --image log.png',
        ],
      )}`,
    )
    .action((options: ChatFlags, command: Command) => act(openChat)([options], command))
}

export const imageOption = (): Option =>
  new Option(
    '--image <file>',
    'with -m: shows the model this PNG, JPEG, GIF or WebP with the message; may be given several times',
  ).argParser((file: string, before: readonly string[] = []) => [...before, file])

/** Of a new session. */
export const budgetOption = (): Option =>
  new Option('--budget <limits>', 'what the new session may use: tokens=200000,usd=5,tool_calls=100,wall_time=2h')
    .argParser(budgetArgument)
    .conflicts('session')

/** The chat, or one message and its answer where nobody sits at a terminal. */
export async function openChat(run: Invocation, flags: ChatFlags): Promise<void> {
  const { context } = run
  if (flags.message !== undefined) {
    const text = flags.message === '-' ? await readAll(context, run.signal) : flags.message
    return ask(run, flags, text)
  }
  if (context.stdin.isTTY === true && flags.outputSchema !== undefined)
    throw usageFailure(
      'The option --output-schema belongs to one message.',
      'Send the message with -m, or pipe it in: reins chat -m "…" --output-schema FILE',
    )
  if (context.stdin.isTTY === true && flags.image !== undefined)
    throw usageFailure(
      'The option --image belongs to one message.',
      'Send the message with -m, or pipe it in: reins chat -m "…" --image FILE. In the chat, type /image FILE.',
    )
  if (context.stdin.isTTY !== true) return ask(run, flags, await readAll(context, run.signal))
  mustBeTerminal(run)
  const client = await run.client()
  const session = flags.session === undefined ? undefined : await client.sessions.get(flags.session)
  await chat(run, flags, session)
}

function mustBeTerminal({ context, json }: Invocation): void {
  if (context.stdout.isTTY === true && !json) return
  throw usageFailure(
    json ? 'The chat cannot print JSON.' : 'The chat needs a terminal, and its output goes somewhere else.',
    'Send one message with -m, or pipe it in: reins chat -m "Hello" --json',
  )
}

/** The chat with an instance, whose session is `session` where it has begun. */
export async function chatWithInstance(
  run: Invocation,
  agent: string,
  instance: InstanceAddress,
  session: SessionInfo | undefined,
): Promise<void> {
  mustBeTerminal(run)
  await chat(run, { agent, instance }, session)
}

/** One message to an instance, and its answer. */
export const askInstance = (
  run: Invocation,
  agent: string,
  instance: InstanceAddress,
  message: string,
  image?: readonly string[],
): Promise<void> => ask(run, { agent, instance, ...(image === undefined ? {} : { image }) }, message)

/** undefined: the module of a project says it for each instance. Throws agent_not_found. */
async function modelOf(client: ReinsClient, name: string): Promise<string | undefined> {
  try {
    return (await client.agents.get(name)).definition.model
  } catch (error) {
    // Names of modules are wider than those of agents in YAML, which the server says of one before it looks for it.
    const unknown = error instanceof ReinsError && ['agent_not_found', 'invalid_request'].includes(error.code)
    if (unknown && (await client.agents.modules()).some((one) => one.name === name)) return undefined
    throw error
  }
}

async function chat(run: Invocation, flags: ChatFlags, session: SessionInfo | undefined): Promise<void> {
  const client = await run.client()
  const { context } = run
  if (session && flags.agent !== undefined && flags.agent !== session.agent) throw ofAnotherAgent(session, flags.agent)
  const agent = session?.agent ?? flags.agent ?? defaultAgent
  const model = session ? session.model : await modelOf(client, agent)
  const code = await runChat({
    client,
    context,
    style: run.style,
    history: context.env.stateDir === undefined ? noHistory : fileHistory(context.env.stateDir),
    agent,
    ...(model === undefined ? {} : { model }),
    ...(session === undefined ? {} : { session: session.id }),
    ...(flags.instance === undefined ? {} : { instance: flags.instance }),
    ...(flags.budget === undefined ? {} : { budget: flags.budget }),
    signal: run.signal,
  })
  if (code !== exitCodes.ok) throw new QuietExit(code)
}

/** `reins agent start --plain`. */
export async function openPlainChat(
  run: Invocation,
  { agent, session, budget }: { readonly agent: string; readonly session?: SessionInfo; readonly budget?: Budget },
): Promise<void> {
  if (run.json)
    throw usageFailure('The chat cannot print JSON.', 'Leave --json out, or send one message: reins chat -m')
  if (session && session.agent !== agent) throw ofAnotherAgent(session, agent)
  const code = await runPlainChat({
    ...{ client: await run.client(), context: run.context, agent, server: run.server, signal: run.signal },
    ...(session === undefined ? {} : { session }),
    ...(budget === undefined ? {} : { budget }),
    onInterrupt: (listener) => run.onInterrupt(listener),
  })
  if (code !== exitCodes.ok) throw new QuietExit(code)
}

const ofAnotherAgent = (session: SessionInfo, agent: string): CommandFailure =>
  new CommandFailure(`Session ${session.id} belongs to agent ${session.agent}, not to ${agent}.`, {
    next: `Go on with it: reins session open ${session.id}`,
  })

async function ask(run: Invocation, flags: ChatFlags, message: string): Promise<void> {
  const text = message.trim()
  if (text === '') throw usageFailure('The message is empty.', 'Pipe a message in, or give it with -m "…".')
  const { context } = run
  const live = context.stdout.isTTY === true && !run.json
  const schema = flags.outputSchema === undefined ? undefined : await schemaIn(run, flags.outputSchema)
  const images = flags.image === undefined ? undefined : await imagesIn(context, flags.image)
  const result = await askOnce({
    client: await run.client(),
    context,
    style: run.style,
    agent: flags.agent ?? defaultAgent,
    ...(flags.session === undefined ? {} : { session: flags.session }),
    ...(flags.instance === undefined ? {} : { instance: flags.instance }),
    ...(flags.budget === undefined ? {} : { budget: flags.budget }),
    text,
    ...(schema === undefined ? {} : { outputSchema: schema }),
    ...(images === undefined ? {} : { images }),
    live,
    signal: run.signal,
  })
  if (run.json) run.printJson(result)
  else if (!live && result.status === 'completed') run.print(neutralise(printed(result)))
  if (!run.json && !live && result.error) context.stderr.write(`reins: ${neutralise(result.error.message)}\n`)
  if (live) run.hint(run.style.dim(`Go on with: reins session open ${result.session}`))
  const code = exitCodeOf(result)
  if (code !== exitCodes.ok) throw new QuietExit(code)
}

const printed = (result: OneShotResult): string =>
  'result' in result ? JSON.stringify(result.result, null, 2) : result.content

async function schemaIn({ context }: Invocation, file: string): Promise<Record<string, unknown>> {
  const text = await context.readFile(file).catch((error: unknown) => {
    throw new CommandFailure(
      `The schema cannot be read from ${file}: ${error instanceof Error ? error.message : 'unknown'}.`,
      { exitCode: exitCodes.usage, next: 'Give the path of a file that holds a JSON Schema.' },
    )
  })
  try {
    const value: unknown = JSON.parse(text)
    if (isMapping(value)) return value
  } catch {
    // Said below.
  }
  throw usageFailure(
    `${file} holds no JSON object.`,
    'A JSON Schema is an object, such as {"type": "object", "properties": {…}}.',
  )
}

const exitCodeOf = (result: OneShotResult): number =>
  result.status === 'completed'
    ? exitCodes.ok
    : result.status === 'interrupted'
      ? exitCodes.interrupted
      : exitCodes.failed
