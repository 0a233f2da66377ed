// reins connect: a conversation with one instance of an agent, which is the same one each time.
//   CN1. Nothing is made before the first message.
//   CN2. From a pipe, each line is one message; the first one that is not answered ends the command.
import { instanceSessionId, ReinsError } from '@reins/contracts'
import type { Command } from 'commander'
import type { InstanceAddress } from '../../chat/chat.ts'
import { LineReader } from '../../chat/plain/line-reader.ts'
import { exitCodes, QuietExit, usageFailure } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { askInstance, chatWithInstance, imageOption } from '../chat.ts'
import { examples } from '../examples.ts'

interface ConnectOptions {
  readonly session: string
  readonly message?: string
  readonly image?: readonly string[]
}

export function connectCommand(program: Command, act: Act): void {
  program
    .command('connect')
    .description('Talk to one instance of an agent; you find the same conversation each time')
    .argument('<agent>', 'the name of the agent')
    .argument('[instance]', 'the id of the instance, such as that of a ticket', 'default')
    .option('-s, --session <name>', 'a session of the instance, by the name that you give it', 'default')
    .option('-m, --message <text>', 'send this message, print the answer, and exit')
    .addOption(imageOption())
    .addHelpText(
      'after',
      `\nAn agent needs no route for this. When stdin is not a terminal, each line of it is a message, and the answers are\nprinted one after the other.\n${examples(
        [
          'reins connect ticket t-7',
          'reins connect ticket t-7 --session private',
          'reins connect ticket t-7 -m "What is it about?" --json',
          'reins connect ticket t-7 < questions.txt',
        ],
      )}`,
    )
    .action((agent: string, instance: string, options: ConnectOptions, command: Command) =>
      act(connect)([agent, instance, options], command),
    )
}

async function connect(
  run: Invocation,
  agent: string,
  instance: string,
  { session, message, image }: ConnectOptions,
): Promise<void> {
  const at: InstanceAddress = { instance, session }
  if (message !== undefined) return askInstance(run, agent, at, message, image)
  if (image !== undefined)
    throw usageFailure(
      'The option --image belongs to one message.',
      'Send it with -m: reins connect … -m "…" --image FILE. In the chat, type /image FILE.',
    )
  if (run.context.stdin.isTTY !== true) return askLines(run, agent, at)
  const client = await run.client()
  const known = await client.sessions.get(instanceSessionId(agent, instance, session)).catch((error: unknown) => {
    if (error instanceof ReinsError && error.code === 'session_not_found') return undefined
    throw error
  })
  await chatWithInstance(run, agent, at, known)
}

/** CN2. */
async function askLines(run: Invocation, agent: string, at: InstanceAddress): Promise<void> {
  using lines = new LineReader(run.context.stdin)
  for (;;) {
    const line = await lines.next(run.signal)
    if (line.kind === 'end') return
    if (line.kind !== 'line') throw new QuietExit(exitCodes.interrupted)
    if (line.text.trim() !== '') await askInstance(run, agent, at, line.text)
  }
}
