// reins session events, reins session state
import type { ApiEvent } from '@reins/contracts'
import { isDelta } from '@reins/transcript'
import type { Command } from 'commander'
import { allEvents } from '../../event-pages.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { unreadableLines } from '../../text/tree-lines.ts'
import { examples } from '../examples.ts'
import { eventLine } from './event-line.ts'

interface EventOptions {
  readonly follow?: boolean
  readonly after?: string
  readonly tree?: boolean
}

export function eventCommands(session: Command, act: Act): void {
  session
    .command('events')
    .description('Print the events of a session, one line each')
    .argument('<session>', 'the id of the session')
    .option('-f, --follow', 'go on printing events as they happen, until Ctrl-C')
    .option('--after <cursor>', 'print only the events after this cursor')
    .option('--tree', 'include the sessions that this one started')
    .addHelpText(
      'after',
      examples([
        'reins session events 01JD…',
        'reins session events 01JD… --follow --tree',
        'reins session events 01JD… --json | jq -r \'select(.type == "message.received")\'',
      ]),
    )
    .action((id: string, options: EventOptions, command: Command) => act(events)([id, options], command))
  session
    .command('state')
    .description('Print the state that the events of a session lead to, as JSON')
    .argument('<session>', 'the id of the session')
    .option('--at <cursor>', 'print the state at this cursor (default: now)')
    .addHelpText('after', examples(['reins session state 01JD…', 'reins session state 01JD… --at eyJ…']))
    .action((id: string, options: { at?: string }, command: Command) => act(state)([id, options], command))
}

async function events(run: Invocation, id: string, options: EventOptions): Promise<void> {
  const client = await run.client()
  const { style, width } = run
  const print = (event: ApiEvent) =>
    run.print(
      run.json
        ? JSON.stringify(event)
        : eventLine(event, { style, width, zone: run.context.timeZone, tree: options.tree === true }),
    )
  const from = options.after === undefined ? {} : { after: options.after }
  const tree = options.tree ? { tree: true } : {}
  if (!options.follow) {
    const lacking = new Set<string>()
    for await (const page of allEvents(client, id, { ...from, ...tree, signal: run.signal })) {
      page.events.forEach(print)
      for (const one of page.unreadable ?? []) lacking.add(one)
    }
    for (const line of unreadableLines([...lacking], style)) run.context.stderr.write(`${line}\n`)
    return
  }
  for await (const item of client.sessions.follow(id, { ...from, ...tree, deltas: false, signal: run.signal })) {
    if (item.type === 'connection') {
      const { state } = item as { state?: unknown }
      run.context.stderr.write(
        state === 'lost' ? 'reins: The server does not answer. Waiting for it.\n' : 'reins: The server is back.\n',
      )
    } else if ('n' in item && !isDelta(item)) print(item)
  }
}

async function state(run: Invocation, id: string, options: { at?: string }): Promise<void> {
  const client = await run.client()
  const folded = await client.sessions.state(id, options.at)
  run.printJson(run.json ? folded : folded.state)
}
