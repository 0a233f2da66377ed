// reins session fork: a new session goes on behind a frame of another one.
import type { CreatedSession, ForkSession, SendMessage } from '@reins/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { allEvents } from '../../event-pages.ts'
import { CommandFailure } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { oneLine } from '../../text/neutralise.ts'
import { examples } from '../examples.ts'

interface ForkOptions extends Pick<ForkSession, 'at' | 'before' | 'title'> {
  readonly message?: string
  readonly again?: true
  readonly upgrade?: true
}

const frame = (text: string): number => {
  if (!/^[1-9]\d{0,14}$/.test(text))
    throw new InvalidArgumentError('The number of a frame is valid, such as 12: reins session events shows them.')
  return Number(text)
}

export function forkCommand(session: Command, act: Act): void {
  session
    .command('fork')
    .description('Fork a session: a new one goes on from there, with another message, or with the same one again')
    .argument('<session>', 'the id of the session')
    .option('-m, --message <text>', 'say this in the fork; without it the fork waits for a message')
    .option('--again', 'say the same message again: the one of --before, otherwise the last one')
    .addOption(
      new Option(
        '--before <message>',
        'go on where this message had not been answered yet: its id, or latest',
      ).conflicts('at'),
    )
    .addOption(new Option('--at <frame>', 'go on behind this frame; without it behind the last one').argParser(frame))
    .option('--upgrade', 'let the fork go on with the version that its agent has now')
    .option('--title <title>', 'the title of the fork; without it that of the session')
    .addHelpText(
      'after',
      examples([
        'reins session fork 01JD…',
        'reins session fork 01JD… --before latest -m "shorter, please"',
        'reins session fork 01JD… --again --upgrade',
        'reins session fork 01JD… --at 12 --json',
      ]),
    )
    .action((id: string, options: ForkOptions, command: Command) => act(fork)([id, options], command))
}

async function fork(run: Invocation, id: string, options: ForkOptions): Promise<void> {
  const client = await run.client()
  const { message, again, upgrade, ...rest } = options
  const place = { ...rest, ...(again && rest.before === undefined ? { before: 'latest' } : {}) }
  if (!upgrade) {
    const forked = await client.sessions.fork(id, {
      ...place,
      ...(message === undefined ? {} : { message }),
      ...(again ? { again } : {}),
    })
    return told(run, id, forked)
  }
  // The message is said when the fork has its version: it is at rest until then.
  const said = again ? await saidBefore(run, id, place.before ?? 'latest') : message
  const forked = await client.sessions.fork(id, place)
  await client.sessions.upgrade(forked.session.id)
  const sent = said === undefined ? {} : await client.sessions.send(forked.session.id, { content: said })
  return told(run, id, { ...forked, ...sent })
}

function told(run: Invocation, from: string, forked: CreatedSession): void {
  if (run.json) {
    run.printJson(forked)
    return
  }
  const { id, forkedFrom } = forked.session
  run.print(id)
  const place = forkedFrom
    ? `goes on behind frame ${forkedFrom.frame} of ${forkedFrom.session}`
    : `is a fork of ${from}`
  const next = forked.messageId === undefined ? 'It waits for a message' : 'It answers the message'
  run.hint(`The session ${place}. ${next}: reins session open ${oneLine(id)}`)
}

/** What a person said in the message of this id; of `latest`, in the last one. */
async function saidBefore(run: Invocation, session: string, message: string): Promise<SendMessage['content']> {
  let said: SendMessage['content'] | undefined
  for await (const { events } of allEvents(await run.client(), session, { signal: run.signal }))
    for (const { type, data } of events) {
      if (type !== 'message.received') continue
      const { message: id, content } = data as { message: string; content: SendMessage['content'] }
      if (message === 'latest' || id === message) said = content
    }
  if (said !== undefined) return said
  throw new CommandFailure(`The session ${session} has no message ${message}.`, {
    next: `Look for its id: reins session events ${session}`,
  })
}
