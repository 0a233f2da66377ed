// reins agent …
import type { Agent } from '@reins/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { CommandFailure, usageFailure } from '../failure.ts'
import type { Act, Invocation } from '../invocation.ts'
import { neutralise, oneLine } from '../text/neutralise.ts'
import { table } from '../text/table.ts'
import { ago } from '../text/when.ts'
import {
  changedDefinition,
  completeDefinition,
  type DefinitionFile,
  type DefinitionFlags,
  definitionYaml,
  flagFields,
} from './agent-definition.ts'
import { openChat } from './chat.ts'
import { examples } from './examples.ts'
import { endSession, type ListOptions, listSessions, openSession, sessionListOptions, showSession } from './session.ts'

interface WriteOptions extends DefinitionFlags {
  readonly file?: string
  readonly systemPromptFile?: string
  readonly format?: Format
}
type Format = 'simple' | 'json' | 'yaml'

const count = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('A whole number is valid, such as 20.')
  return Number(text)
}
const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  ...value
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== ''),
]

const format = (choices: readonly Format[]) => new Option('--format <form>', 'how to print').choices([...choices])

function definitionOptions(command: Command): Command {
  return command
    .option('-m, --model <provider/name>', 'the model, such as anthropic/claude-sonnet-4-5')
    .addOption(new Option('-s, --system-prompt <text>', 'what the agent is told first').conflicts('systemPromptFile'))
    .option('--system-prompt-file <path>', 'the same, from a file')
    .option('-d, --description <text>', 'what it is for')
    .option(
      '--tools <name>',
      'a group or a tool (system_tools, shell, files, search, directory, read_file …); repeatable',
      collect,
    )
    .option('--tools-file <path>', 'tools of your own')
    .option('--workflow-file <path>', 'a workflow of your own')
    .option('--mcp-server <url>', 'an MCP server; repeatable', collect)
    .option('--skills-dir <path>', 'a folder of skills')
    .option('--planning', 'let it plan')
    .option('--no-planning', 'do not let it plan')
    .option('--max-tool-calls <n>', 'tool calls of one turn', count)
    .option('--max-tokens <n>', 'tokens of one answer', count)
    .addOption(new Option('--reasoning-effort <level>', 'how long it thinks').choices(['low', 'medium', 'high']))
    .addOption(format(['simple', 'json', 'yaml']))
}

export function agentCommands(program: Command, act: Act): void {
  const agent = program.command('agent').description('agents: what they are told, which model and tools they have')
  writeCommands(agent, act)
  readCommands(agent, act)
  lifeCommands(agent, act)
}

function writeCommands(agent: Command, act: Act): void {
  definitionOptions(
    agent.command('create').description('make an agent that does not exist yet').argument('<agent>', 'its name'),
  )
    .option('-f, --file <path>', 'a definition in YAML or JSON; flags win over it')
    .addHelpText(
      'after',
      examples([
        'reins agent create coder --file coder.yaml',
        'reins agent create coder --model anthropic/claude-sonnet-4-5 --system-prompt "Write code." --tools system_tools',
        'reins agent create second --file coder.yaml --max-tool-calls 30',
      ]),
    )
    .action((name: string, options: WriteOptions, command: Command) => act(create)([name, options], command))
  definitionOptions(
    agent
      .command('apply')
      .description('make an agent, or bring it to the state given; the same again changes nothing')
      .argument('[agent]', 'its name (default: the one in the file)'),
  )
    .requiredOption('-f, --file <path>', 'a definition in YAML or JSON; flags win over it')
    .addHelpText(
      'after',
      examples(['reins agent apply --file coder.yaml', 'reins agent apply coder -f coder.yaml --json']),
    )
    .action((name: string | undefined, options: WriteOptions, command: Command) => act(apply)([name, options], command))
  definitionOptions(
    agent
      .command('update')
      .description('change an agent; running sessions keep the version they began with')
      .argument('<agent>', 'its name'),
  )
    .option('-f, --file <path>', 'the complete new definition; flags win over it')
    .addHelpText(
      'after',
      "\nWithout --file, what no flag names stays as it is. With --file, the file is the whole new state: what it does not\nname is gone. Somebody else's change in between is never overwritten.\n" +
        examples([
          'reins agent update coder --model openai/gpt-5',
          'reins agent update coder --max-tool-calls 40 --no-planning',
          'reins agent update coder --file coder.yaml',
        ]),
    )
    .action((name: string, options: WriteOptions, command: Command) => act(update)([name, options], command))
  agent
    .command('delete')
    .description('delete an agent; its sessions stay')
    .argument('<agent>', 'its name')
    .addOption(format(['simple', 'json']))
    .addHelpText('after', examples(['reins agent delete coder']))
    .action((name: string, _options: object, command: Command) => act(remove)([name], command))
}

function readCommands(agent: Command, act: Act): void {
  agent
    .command('list')
    .description('list the agents')
    .addOption(format(['simple', 'json', 'yaml']))
    .addHelpText('after', examples(['reins agent list', 'reins agent list --json']))
    .action((options: { format?: Format }, command: Command) => act(list)([options], command))
  agent
    .command('show')
    .description('print the definition of an agent')
    .argument('<agent>', 'its name')
    .addOption(format(['yaml', 'simple', 'json']))
    .addHelpText('after', examples(['reins agent show coder > coder.yaml', 'reins agent show coder --format simple']))
    .action((name: string, options: { format?: Format }, command: Command) => act(show)([name, options], command))
}

interface StartOptions {
  readonly session?: string
  readonly mode: string
}

function lifeCommands(agent: Command, act: Act): void {
  agent
    .command('start')
    .description('talk to an agent in the terminal')
    .argument('<agent>', 'its name')
    .option('-s, --session <id>', 'go on with this session instead of a new one')
    .addOption(
      new Option('--mode <mode>', 'where to talk (web and api are not there yet)')
        .choices(['terminal', 'web', 'api'])
        .default('terminal'),
    )
    .addOption(new Option('--port <port>', 'the port of web and api (not there yet)').argParser(count))
    .addHelpText('after', examples(['reins agent start coder', 'reins agent start coder --session 01JD…']))
    .action((name: string, options: StartOptions, command: Command) => act(start)([name, options], command))
  agent
    .command('stop')
    .description('end a session (the same as reins session end)')
    .argument('<session>', 'its id')
    .addHelpText('after', examples(['reins agent stop 01JD…']))
    .action((id: string, _options: object, command: Command) => act(endSession)([id], command))
  const session = agent.command('session').description('the sessions of agents (the same as reins session)')
  sessionListOptions(session.command('list').description('list sessions').argument('[agent]', 'only of this agent'))
    .addHelpText('after', examples(['reins agent session list coder --state running']))
    .action((name: string | undefined, options: ListOptions, command: Command) =>
      act(listSessions)([{ ...options, ...(name === undefined ? {} : { agent: name }) }], command),
    )
  session
    .command('show')
    .description('show a session')
    .argument('<session>', 'its id')
    .addOption(format(['simple', 'json']))
    .addHelpText('after', examples(['reins agent session show 01JD…']))
    .action((id: string, _options: object, command: Command) => act(showSession)([id], command))
  session
    .command('resume')
    .description('go on with a session in the terminal')
    .argument('<session>', 'its id')
    .addHelpText('after', examples(['reins agent session resume 01JD…']))
    .action((id: string, _options: object, command: Command) => act(openSession)([id, { resume: true }], command))
}

async function readFlags(run: Invocation, options: WriteOptions): Promise<DefinitionFlags> {
  if (options.systemPromptFile === undefined) return options
  const file = await readText(run, options.systemPromptFile)
  return { ...options, systemPrompt: file.text.replace(/\n+$/, '') }
}

async function readText(run: Invocation, path: string): Promise<DefinitionFile> {
  try {
    return { path, text: await run.context.readFile(path) }
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new CommandFailure(`${path} cannot be read (${why}).`, {
      next: 'Name a file that exists and that you may read.',
    })
  }
}

async function create(run: Invocation, name: string, options: WriteOptions): Promise<void> {
  const file = options.file === undefined ? undefined : await readText(run, options.file)
  const { source } = completeDefinition(name, file, await readFlags(run, options))
  const client = await run.client()
  const { agent } = await client.agents.put(name, source, { kind: 'create' })
  report(run, agent, 'created', options.format)
}

async function apply(run: Invocation, name: string | undefined, options: WriteOptions): Promise<void> {
  const file = await readText(run, options.file ?? '')
  const whole = completeDefinition(name, file, await readFlags(run, options))
  const client = await run.client()
  const { agent, outcome } = await client.agents.put(whole.name, whole.source, { kind: 'apply' })
  report(run, agent, outcome, options.format)
}

async function update(run: Invocation, name: string, options: WriteOptions): Promise<void> {
  const flags = await readFlags(run, options)
  if (options.file === undefined && Object.keys(flagFields(flags)).length === 0)
    throw usageFailure(
      'There is nothing to change.',
      'Give a flag such as --model, or --file. See reins agent update --help.',
    )
  const file = options.file === undefined ? undefined : await readText(run, options.file)
  const client = await run.client()
  const stored = await client.agents.get(name)
  const source = file ? completeDefinition(name, file, flags).source : changedDefinition(stored.definition, flags)
  const { agent, outcome } = await client.agents.put(name, source, { kind: 'update', digest: stored.digest })
  report(run, agent, outcome, options.format)
}

function report(run: Invocation, agent: Agent, outcome: string, form: Format | undefined): void {
  if (run.json) run.printJson({ outcome, agent })
  else if (form === 'yaml') run.print(definitionYaml(agent.definition))
  else run.print(`Agent ${agent.name} ${outcome}: version ${agent.version}, ${agent.definition.model}.`)
}

async function list(run: Invocation, options: { format?: Format }): Promise<void> {
  const client = await run.client()
  const agents = await client.agents.list()
  if (run.json) return run.printJson({ agents })
  if (options.format === 'yaml')
    return run.print(agents.map((agent) => definitionYaml(agent.definition)).join('\n---\n'))
  if (agents.length === 0) return run.print('There are no agents. Make one: reins agent create --help')
  const rows = agents.map((agent) => [
    agent.name,
    agent.definition.model,
    String(agent.version),
    ago(agent.updatedAt, run.context.now()),
    oneLine(agent.definition.description ?? ''),
  ])
  const columns = [
    { title: 'NAME' },
    { title: 'MODEL' },
    { title: 'VERSION', align: 'right' as const },
    { title: 'UPDATED' },
    { title: 'DESCRIPTION', gives: true },
  ]
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
}

async function show(run: Invocation, name: string, options: { format?: Format }): Promise<void> {
  const client = await run.client()
  const agent = await client.agents.get(name)
  if (run.json) return run.printJson(agent)
  if (options.format !== 'simple') return run.print(neutralise(definitionYaml(agent.definition)))
  const { definition } = agent
  const now = run.context.now()
  run.print(`${run.style.bold(agent.name)}  ${definition.model}`)
  if (definition.description) run.print(oneLine(definition.description))
  run.print(`version ${agent.version} (${agent.digest}), updated ${ago(agent.updatedAt, now)}`)
  const tools = (definition.tools ?? []).flatMap((tool) => (typeof tool === 'string' ? [tool] : Object.keys(tool)))
  run.print(`tools: ${tools.length === 0 ? 'none' : tools.map(oneLine).join(', ')}`)
}

async function remove(run: Invocation, name: string): Promise<void> {
  const client = await run.client()
  await client.agents.delete(name)
  if (run.json) run.printJson({ outcome: 'deleted', name })
  else run.print(`Agent ${name} deleted. Its sessions are still there: reins session list --agent ${name}`)
}

async function start(run: Invocation, name: string, options: StartOptions): Promise<void> {
  if (options.mode !== 'terminal')
    throw usageFailure(
      `--mode ${options.mode} is not there yet.`,
      'Use --mode terminal. Programs talk to the server itself: see its /openapi.json.',
    )
  await openChat(run, { agent: name, ...(options.session === undefined ? {} : { session: options.session }) })
}
