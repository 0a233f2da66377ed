// reins memory …
import type { MemoryEntry, MemoryPut } from '@reins/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { MemoryAt, ReinsClient } from '../../client-port.ts'
import { CommandFailure, usageFailure } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { neutralise, oneLine } from '../../text/neutralise.ts'
import { table } from '../../text/table.ts'
import { ago } from '../../text/when.ts'
import { examples } from '../examples.ts'
import { memoryLine, parseMemoryLines } from './memory-lines.ts'
import { readAll } from '../stdin.ts'

interface Place {
  readonly agent?: string
  readonly store?: string
  readonly scope?: string
}

const most = (text: string): number => {
  if (!/^\d{1,3}$/.test(text) || Number(text) < 1 || Number(text) > 500)
    throw new InvalidArgumentError('A whole number from 1 to 500 is valid.')
  return Number(text)
}

/** What each command takes to say which memory is meant. */
const placed = (command: Command): Command =>
  command
    .option('--agent <agent>', 'the memory of this agent, with the scope that its definition says')
    .option('--store <place>', 'the place: builtin (default), memory, or sqlite:FILE')
    .option('--scope <scope>', 'the scope, such as user:ann')
    .addOption(new Option('--format <form>', 'print in this form').choices(['simple', 'json']))

export function memoryCommands(program: Command, act: Act): void {
  const memory = program.command('memory').description('See and change what agents remember across sessions')
  placed(memory.command('list'))
    .description('List what is remembered in a scope; without a scope and an agent, list the scopes')
    .option('--prefix <text>', 'list only keys that begin with this text')
    .addHelpText(
      'after',
      examples(['reins memory list', 'reins memory list --agent coder', 'reins memory list --scope user:ann --json']),
    )
    .action((options: Place & { prefix?: string }, command: Command) => act(list)([options, options.prefix], command))
  placed(memory.command('show'))
    .description('Print the value that is remembered under a key')
    .argument('<key>', 'the key of the entry')
    .option('--history', 'show all that was stored and forgotten under the key, the latest first')
    .addHelpText(
      'after',
      examples(['reins memory show language --agent coder', 'reins memory show language --scope user:ann --history']),
    )
    .action((key: string, options: Place & { history?: boolean }, command: Command) =>
      act(show)([key, options, options.history === true], command),
    )
  placed(memory.command('search'))
    .description('Search what is remembered by words; the nearest comes first')
    .argument('<query>', 'the words')
    .option('--limit <n>', 'show at most this many (default 10)', most)
    .addHelpText('after', examples(["reins memory search 'payment service' --agent coder"]))
    .action((query: string, options: Place & { limit?: number }, command: Command) =>
      act(search)([query, options, options.limit ?? 10], command),
    )
  placed(memory.command('forget'))
    .description('Forget what is remembered under a key, or, with --all, everything in a scope')
    .argument('[key]', 'the key of the entry')
    .option('--all', 'forget everything in the scope')
    .addHelpText(
      'after',
      examples(['reins memory forget language --agent coder', 'reins memory forget --all --scope user:ann']),
    )
    .action((key: string | undefined, options: Place & { all?: boolean }, command: Command) =>
      act(forget)([key, options, options.all === true], command),
    )
  placed(memory.command('export'))
    .description('Print everything in a scope, one JSON object a line')
    .addHelpText('after', examples(['reins memory export --agent coder > memory.ndjson']))
    .action((options: Place, command: Command) => act(exported)([options], command))
  placed(memory.command('import'))
    .description('Store what an export has printed; it replaces the values of the same keys')
    .argument('<path>', 'the file; - means stdin')
    .addHelpText(
      'after',
      examples([
        'reins memory import memory.ndjson --scope user:ann',
        'reins memory export --agent coder | reins memory import - --store sqlite:copy.db --scope user:ann',
      ]),
    )
    .action((file: string, options: Place, command: Command) => act(imported)([file, options], command))
}

const at = ({ agent, store, scope }: Place): MemoryAt => ({
  ...(agent === undefined ? {} : { agent }),
  ...(store === undefined ? {} : { store }),
  ...(scope === undefined ? {} : { scope }),
})

async function list(run: Invocation, place: Place, prefix: string | undefined): Promise<void> {
  const client = await run.client()
  if (place.agent === undefined && place.scope === undefined) return scopes(run, client, place)
  const entries = await client.memory.list(at(place), prefix === undefined ? {} : { prefix })
  if (run.json) return run.printJson({ entries })
  if (entries.length === 0) return run.print('Nothing is remembered there.')
  const rows = entries.map((entry) => [
    oneLine(entry.key),
    oneLine(shown(entry.value)),
    `v${entry.version}`,
    ago(entry.updatedAt, run.context.now()),
    oneLine(entry.by.principal),
  ])
  const columns = [
    { title: 'KEY' },
    { title: 'VALUE', gives: true },
    { title: 'VERSION' },
    { title: 'STORED' },
    { title: 'BY' },
  ]
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
}

async function scopes(run: Invocation, client: ReinsClient, { store }: Place): Promise<void> {
  const found = await client.memory.scopes(store === undefined ? {} : { store })
  if (run.json) return run.printJson({ scopes: found })
  if (found.length === 0) return run.print('Nothing is remembered there.')
  const rows = found.map(({ scope, entries, bytes, updatedAt }) => [
    oneLine(scope),
    String(entries),
    String(bytes),
    ago(updatedAt, run.context.now()),
  ])
  const columns = [{ title: 'SCOPE', gives: true }, { title: 'ENTRIES' }, { title: 'BYTES' }, { title: 'STORED' }]
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
}

/** A text as it is, anything else as JSON. */
const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

async function show(run: Invocation, key: string, place: Place, history: boolean): Promise<void> {
  const client = await run.client()
  if (history) return showHistory(run, client, key, place)
  const entry = await client.memory.get(at(place), key)
  if (run.json) return run.printJson({ entry })
  const text = typeof entry.value === 'string' ? entry.value : JSON.stringify(entry.value, null, 2)
  run.print(run.context.stdout.isTTY === true ? neutralise(text) : text)
  if (run.context.stdout.isTTY === true) run.print(run.style.dim(provenance(entry, run.context.now())))
}

function provenance({ version, updatedAt, by, expiresAt }: MemoryEntry, now: number): string {
  const from = by.session === undefined ? '' : ` in session ${oneLine(by.session)}`
  const until = expiresAt === undefined ? '' : `, kept until ${new Date(expiresAt).toISOString()}`
  return `version ${version}, stored ${ago(updatedAt, now)} by ${oneLine(by.principal)}${from}${until}`
}

async function showHistory(run: Invocation, client: ReinsClient, key: string, place: Place): Promise<void> {
  const records = await client.memory.history(at(place), key)
  if (run.json) return run.printJson({ records })
  if (records.length === 0) return run.print('Nothing was ever stored under this key.')
  for (const record of records) {
    const what = record.kind === 'stored' ? `v${record.version} ${oneLine(shown(record.value))}` : record.kind
    const from = record.by.session === undefined ? '' : ` in session ${oneLine(record.by.session)}`
    run.print(`${new Date(record.at).toISOString()}  ${oneLine(record.by.principal)}${from}  ${what}`)
  }
}

async function search(run: Invocation, query: string, place: Place, limit: number): Promise<void> {
  const client = await run.client()
  const answer = await client.memory.search(at(place), query, limit)
  if (run.json) return run.printJson(answer)
  if (answer.found.length === 0) return run.print('Nothing fits.')
  const rows = answer.found.map(({ entry, score }) => [
    score.toFixed(2),
    oneLine(entry.key),
    oneLine(shown(entry.value)),
  ])
  const columns = [{ title: 'SCORE' }, { title: 'KEY' }, { title: 'VALUE', gives: true }]
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
}

async function forget(run: Invocation, key: string | undefined, place: Place, all: boolean): Promise<void> {
  if (key === undefined && !all)
    throw usageFailure('You gave neither a key nor --all.', 'Name the key, or give --all to forget the whole scope.')
  if (key !== undefined && all) throw usageFailure('A key and --all exclude each other.', 'Leave one of them out.')
  const client = await run.client()
  if (key !== undefined) {
    await client.memory.forget(at(place), key)
    return run.json ? run.printJson({ key }) : run.print(`Forgot ${oneLine(key)}.`)
  }
  const { scope, forgotten } = await client.memory.clear(at(place))
  if (run.json) return run.printJson({ scope, forgotten })
  run.print(`Forgot ${forgotten} ${forgotten === 1 ? 'entry' : 'entries'} of the scope ${oneLine(scope)}.`)
}

async function exported(run: Invocation, place: Place): Promise<void> {
  const client = await run.client()
  for (const entry of await client.memory.list(at(place))) run.print(memoryLine(entry))
}

async function imported(run: Invocation, file: string, place: Place): Promise<void> {
  const text = file === '-' ? await readAll(run.context, run.signal) : await readFile(run, file)
  const parsed = parseMemoryLines(text, run.context.now())
  if (parsed.kind === 'problem') throw new CommandFailure(`${file}: ${parsed.message}`, { next: 'Nothing was stored.' })
  const client = await run.client()
  let stored = 0
  for (const { key, value, expires } of parsed.entries) {
    const body: MemoryPut = { value, ...(expires === undefined ? {} : { expires }) }
    await client.memory.put(at(place), key, body)
    stored += 1
  }
  const { expired } = parsed
  if (run.json) return run.printJson({ stored, expired })
  run.print(`Stored ${stored} ${stored === 1 ? 'entry' : 'entries'}.`)
  if (expired > 0) run.print(`${expired} had had their time, and were left out.`)
}

async function readFile(run: Invocation, file: string): Promise<string> {
  try {
    return await run.context.readFile(file)
  } catch {
    throw new CommandFailure(`The file ${file} cannot be read.`, { next: 'Check its path.' })
  }
}
