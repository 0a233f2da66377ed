// reins session replay
import type { ApiEvent } from '@reins/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { playReplay } from '../../chat/replay.ts'
import { allEvents } from '../../event-pages.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { examples } from '../examples.ts'

interface ReplayFlags {
  readonly speed: number
  readonly step?: boolean
}

const speed = (text: string): number => {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0 || value > 1000)
    throw new InvalidArgumentError('A number from 0.1 to 1000 is valid, such as 4.')
  return value
}

export function replayCommand(session: Command, act: Act): void {
  session
    .command('replay')
    .description('Play a session in the terminal as you would have seen it live')
    .argument('<session>', 'the id of the session')
    .option('--speed <factor>', 'play this many times as fast', speed, 1)
    .addOption(new Option('--step', 'wait for a key before each event').conflicts('speed'))
    .addHelpText(
      'after',
      `\nreins shortens the pauses in which the session waited for a person. Without a terminal it prints everything at once.\n${examples(
        [
          'reins session replay 01JD… --speed 4',
          'reins session replay 01JD… --step',
          'reins session replay 01JD… > talk.txt',
        ],
      )}`,
    )
    .action((id: string, options: ReplayFlags, command: Command) => act(replay)([id, options], command))
}

async function replay(run: Invocation, id: string, options: ReplayFlags): Promise<void> {
  const client = await run.client()
  const events: ApiEvent[] = []
  for await (const page of allEvents(client, id, { signal: run.signal })) events.push(...page.events)
  if (run.json) {
    for (const event of events) run.print(JSON.stringify(event))
    return
  }
  await playReplay({
    context: run.context,
    style: run.style,
    events,
    speed: options.speed,
    byKey: options.step === true,
    signal: run.signal,
  })
}
