// reins agent …
import path from 'node:path'
import {
  type Agent,
  type Budget,
  namesFile,
  placedSkills,
  type PutAgentResult,
  type PutCondition,
  ReinsError,
  storedCode,
} from '@reins/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { codeOf } from '../../code/agent-files.ts'
import { CommandFailure, explainFailure, usageFailure } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { type ServeFlags, serve, servingOptions } from '../../serving/serve.ts'
import { isServingMode } from '../../serving/serving-modes.ts'
import { neutralise, oneLine } from '../../text/neutralise.ts'
import { table } from '../../text/table.ts'
import { ago } from '../../text/when.ts'
import {
  changedDefinition,
  completeDefinition,
  type DefinitionFile,
  type DefinitionFlags,
  definitionYaml,
  flagFields,
  type NamedSource,
} from './agent-definition.ts'
import { budgetOption, openChat, openPlainChat } from '../chat.ts'
import { examples } from '../examples.ts'
import {
  endSession,
  type ListOptions,
  listSessions,
  openSession,
  refuseEnded,
  sessionListOptions,
  showSession,
} from '../sessions/session.ts'
import { readAll } from '../stdin.ts'

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
const repeat = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value]

const format = (choices: readonly Format[]) => new Option('--format <form>', 'print in this form').choices([...choices])

function definitionOptions(command: Command): Command {
  return command
    .option('-m, --model <provider/name>', 'use this model, such as anthropic/claude-sonnet-4-5')
    .addOption(
      new Option('-s, --system-prompt <text>', 'give the model these instructions before everything else').conflicts(
        'systemPromptFile',
      ),
    )
    .option('--system-prompt-file <path>', 'read the system prompt from this file')
    .option('-d, --description <text>', 'describe for people what the agent is for')
    .option(
      '--tools <name>',
      'allow a tool or a group of tools (system_tools, shell, files, search, directory, read_file …); repeatable',
      collect,
    )
    .option('--tools-file <path>', 'send this TypeScript file with tools of your own; repeatable', repeat)
    .option(
      '--workflow-file <path>',
      'send this TypeScript file, which decides what happens in the sessions of the agent',
    )
    .option('--mcp-server <url>', 'connect this MCP server; repeatable', collect)
    .option('--skills-dir <path>', 'send the skills in this folder, one folder each')
    .option('--planning', 'let the agent plan tasks of several steps')
    .option('--no-planning', 'do not let the agent plan')
    .option('--max-tool-calls <n>', 'allow at most this many tool calls in one turn', count)
    .option('--max-tokens <n>', 'allow at most this many tokens in one answer', count)
    .addOption(
      new Option('--reasoning-effort <level>', 'let the model think this much').choices(['low', 'medium', 'high']),
    )
    .addOption(format(['simple', 'json', 'yaml']))
}

export function agentCommands(program: Command, act: Act): void {
  const agent = program
    .command('agent')
    .description('Create, change and use agents: a model with instructions and tools')
  writeCommands(agent, act)
  readCommands(agent, act)
  lifeCommands(agent, act)
}

function writeCommands(agent: Command, act: Act): void {
  definitionOptions(
    agent
      .command('create')
      .description('Create an agent; fail if there is one of this name')
      .argument('<agent>', 'the name of the agent'),
  )
    .option(
      '-f, --file <path>',
      'read the definition from this YAML or JSON file, or with - from stdin; flags win over it',
    )
    .addHelpText(
      'after',
      examples([
        'reins agent create coder --file coder.yaml',
        'reins agent create coder --model anthropic/claude-sonnet-4-5 --system-prompt "Write code." --tools system_tools',
        'reins agent create second --file coder.yaml --max-tool-calls 30',
        'reins agent create counter --model openai/gpt-5 --system-prompt "Count." --tools-file tools.ts',
      ]),
    )
    .action((name: string, options: WriteOptions, command: Command) => act(create)([name, options], command))
  definitionOptions(
    agent
      .command('apply')
      .description('Create an agent, or replace it by the definition in a file')
      .argument('[agent]', 'the name of the agent (default: the name in the file)'),
  )
    .requiredOption(
      '-f, --file <path>',
      'read the definition from this YAML or JSON file, or with - from stdin; flags win over it',
    )
    .addHelpText(
      'after',
      examples([
        'reins agent apply --file coder.yaml',
        'reins agent apply coder -f coder.yaml --json',
        'reins agent show coder | sed s/sonnet/opus/ | reins agent apply -f -',
      ]),
    )
    .action((name: string | undefined, options: WriteOptions, command: Command) => act(apply)([name, options], command))
  definitionOptions(
    agent
      .command('update')
      .description('Change parts of an agent; sessions keep the version that they began with')
      .argument('<agent>', 'the name of the agent'),
  )
    .option(
      '-f, --file <path>',
      'change what this YAML or JSON file names, or with - what stdin names; flags win over it',
    )
    .addHelpText(
      'after',
      '\nFields that neither the file nor a flag names keep their values; a field that is null in the file is removed.\nTo replace the whole definition, use reins agent apply. If somebody else changes the agent at the same time,\nreins overwrites nothing and fails.\nFiles of code are read again where the file or a flag names their path; else the stored copies stay.\n' +
        examples([
          'reins agent update coder --model openai/gpt-5',
          'reins agent update coder --max-tool-calls 40 --no-planning',
          'reins agent update coder --file coder.yaml',
          'reins agent update counter --tools-file tools.ts',
        ]),
    )
    .action((name: string, options: WriteOptions, command: Command) => act(update)([name, options], command))
  agent
    .command('delete')
    .description('Delete an agent; its sessions stay readable')
    .argument('<agent>', 'the name of the agent')
    .option('--force', 'delete it also where other agents list it; delegations to it then fail')
    .addOption(format(['simple', 'json']))
    .addHelpText('after', examples(['reins agent delete coder', 'reins agent delete helper --force']))
    .action((name: string, options: { force?: boolean }, command: Command) => act(remove)([name, options], command))
}

function readCommands(agent: Command, act: Act): void {
  agent
    .command('list')
    .description('List the agents')
    .addOption(format(['simple', 'json', 'yaml']))
    .addHelpText('after', examples(['reins agent list', 'reins agent list --json']))
    .action((options: { format?: Format }, command: Command) => act(list)([options], command))
  agent
    .command('show')
    .description('Print the definition of an agent')
    .argument('<agent>', 'the name of the agent')
    .addOption(format(['yaml', 'simple', 'json']))
    .addHelpText('after', examples(['reins agent show coder > coder.yaml', 'reins agent show coder --format simple']))
    .action((name: string, options: { format?: Format }, command: Command) => act(show)([name, options], command))
}

interface StartOptions extends ServeFlags {
  readonly budget?: Budget
  readonly mode: string
  readonly plain?: boolean
}

function lifeCommands(agent: Command, act: Act): void {
  const starting = agent
    .command('start')
    .description('Start a session with an agent in the terminal, or serve the agent over HTTP')
    .argument('<agent>', 'the name of the agent')
    .option('-s, --session <id>', 'go on with this session instead of a new one')
    .addOption(budgetOption())
    .addOption(
      new Option(
        '--mode <mode>',
        'terminal: chat here; web: a chat page for your browser; api: serve the agent to programs, over HTTP',
      )
        .choices(['terminal', 'web', 'api'])
        .default('terminal'),
    )
    .option('--plain', 'of --mode terminal: print plain lines, and paint nothing; reads messages from a pipe too')
  servingOptions(starting)
    .addHelpText(
      'after',
      examples([
        'reins agent start coder',
        'reins agent start coder --session 01JD…',
        'reins agent start coder --plain',
        'reins agent start coder --mode web',
        'reins agent start coder --mode api --port 9100',
      ]),
    )
    .action((name: string, options: StartOptions, command: Command) => act(start)([name, options], command))
  agent
    .command('stop')
    .description('End a session for good (the same as reins session end)')
    .argument('<session>', 'the id of the session')
    .addHelpText('after', examples(['reins agent stop 01JD…']))
    .action((id: string, _options: object, command: Command) => act(endSession)([id], command))
  const session = agent.command('session').description('List, show and resume sessions (the same as reins session)')
  sessionListOptions(
    session
      .command('list')
      .description('List sessions, the most recently active first')
      .argument('[agent]', 'show only sessions of this agent'),
  )
    .addHelpText('after', examples(['reins agent session list coder --state running']))
    .action((name: string | undefined, options: ListOptions, command: Command) =>
      act(listSessions)([{ ...options, ...(name === undefined ? {} : { agent: name }) }], command),
    )
  session
    .command('show')
    .description('Show the status, model and token usage of a session')
    .argument('<session>', 'the id of the session')
    .addOption(format(['simple', 'json']))
    .addHelpText('after', examples(['reins agent session show 01JD…']))
    .action((id: string, _options: object, command: Command) => act(showSession)([id], command))
  session
    .command('resume')
    .description('Go on with a session in the terminal; resume it if it is paused')
    .argument('<session>', 'the id of the session')
    .addHelpText('after', examples(['reins agent session resume 01JD…']))
    .action((id: string, _options: object, command: Command) => act(openSession)([id, { resume: true }], command))
}

async function readFlags(run: Invocation, options: WriteOptions): Promise<DefinitionFlags> {
  if (options.systemPromptFile === undefined) return options
  const file = await readText(run, options.systemPromptFile)
  return { ...options, systemPrompt: file.text.replace(/\n+$/, '') }
}

/** `-`: what is piped into the command. */
async function readText(run: Invocation, path: string): Promise<DefinitionFile> {
  if (path === '-') return { path: 'stdin', text: await readAll(run.context, run.signal) }
  try {
    return { path, text: await run.context.readFile(path) }
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new CommandFailure(`${path} cannot be read (${why}).`, {
      next: 'Check the path, and that you may read the file.',
    })
  }
}

async function create(run: Invocation, name: string, options: WriteOptions): Promise<void> {
  const file = options.file === undefined ? undefined : await readText(run, options.file)
  const flags = await readFlags(run, options)
  await put(run, completeDefinition(name, file, flags), { kind: 'create' }, options)
}

async function apply(run: Invocation, name: string | undefined, options: WriteOptions): Promise<void> {
  const file = await readText(run, options.file ?? '')
  const flags = await readFlags(run, options)
  await put(run, completeDefinition(name, file, flags), { kind: 'apply' }, options)
}

async function update(run: Invocation, name: string, options: WriteOptions): Promise<void> {
  const flags = await readFlags(run, options)
  if (options.file === undefined && Object.keys(flagFields(flags)).length === 0)
    throw usageFailure(
      'The command names nothing to change.',
      'Name a change with a flag such as --model, or with --file. reins agent update --help lists the flags.',
    )
  const file = options.file === undefined ? undefined : await readText(run, options.file)
  const client = await run.client()
  const stored = await client.agents.get(name)
  await put(run, changedDefinition(stored.definition, file, flags), { kind: 'update', digest: stored.digest }, options)
}

/** With the code that it names. */
async function put(
  run: Invocation,
  { name, source, fields }: NamedSource,
  condition: PutCondition,
  options: WriteOptions,
): Promise<void> {
  const folder = options.file === undefined || options.file === '-' ? undefined : path.dirname(options.file)
  const files = await codeOf(run.context, {
    fields,
    folder,
    byFlag: options.toolsFile !== undefined,
    workflowByFlag: options.workflowFile !== undefined,
    skillsByFlag: options.skillsDir !== undefined,
  })
  const client = await run.client()
  const result = await client.agents.put(name, files.length === 0 ? source : { ...source, files }, condition)
  report(run, result, options.format)
}

function report(run: Invocation, { agent, outcome, warnings = [] }: PutAgentResult, form: Format | undefined): void {
  if (run.json) run.printJson({ outcome, agent, ...(warnings.length === 0 ? {} : { warnings }) })
  else if (form === 'yaml') run.print(definitionYaml(agent.definition))
  else {
    run.print(`Agent ${agent.name} ${outcome}: version ${agent.version}, ${agent.definition.model}.`)
    for (const line of [...codeLines(agent), ...skillLines(agent)]) run.print(line)
    for (const warning of warnings) run.hint(run.style.yellow(oneLine(warning)))
  }
}

/** A line for each file of code. */
const codeLines = ({ definition }: Agent): readonly string[] =>
  storedCode(definition).map(
    ({ file, size, digest, tools }) =>
      `${oneLine(file)} (${size} bytes, ${digest}): ${tools.map((tool) => tool.name).join(', ')}`,
  )

/** A line for each folder. */
const skillLines = ({ definition }: Agent): readonly string[] =>
  placedSkills(definition).map(({ folder: { dir, size, digest, skills = [] } }) => {
    const names = skills.map(({ name }) => name).join(', ')
    return `skills of ${oneLine(dir)} (${size} bytes, ${digest}): ${names}`
  })

async function list(run: Invocation, options: { format?: Format }): Promise<void> {
  const client = await run.client()
  const [agents, modules] = await Promise.all([client.agents.list(), client.agents.modules()])
  if (run.json) return run.printJson({ agents, modules })
  if (options.format === 'yaml')
    return run.print(agents.map((agent) => definitionYaml(agent.definition)).join('\n---\n'))
  if (agents.length + modules.length === 0)
    return run.hint('There are no agents. reins agent create --help says how to create one.')
  const rows = agents.map((agent) => [
    agent.name,
    agent.definition.model,
    String(agent.version),
    ago(agent.updatedAt, run.context.now()),
    oneLine(agent.definition.description ?? ''),
  ])
  // What a module is, its initializer says for each instance.
  for (const { name, project, version, updatedAt, description = '' } of modules)
    rows.push([
      ...[name, `code of ${project}`, String(version), ago(updatedAt, run.context.now())],
      oneLine(description),
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
  const { definition } = agent
  const off = definition.approval_mode === 'never' ? 'off, because approval_mode is never' : undefined
  if (options.format !== 'simple') {
    run.print(neutralise(definitionYaml(definition)))
    if (off !== undefined) run.print(`# The tools of this agent are ${off}.`)
    return
  }
  const now = run.context.now()
  run.print(`${run.style.bold(agent.name)}  ${definition.model}`)
  if (definition.description) run.print(oneLine(definition.description))
  run.print(`version ${agent.version} (${agent.digest}), updated ${ago(agent.updatedAt, now)}`)
  const tools = (definition.tools ?? []).flatMap((tool) =>
    typeof tool === 'string' ? [tool] : namesFile(tool) ? [] : Object.keys(tool),
  )
  const code = codeLines(agent)
  if (off !== undefined) run.print(`tools: ${off}`)
  else if (tools.length > 0 || code.length === 0) run.print(`tools: ${tools.map(oneLine).join(', ') || 'none'}`)
  for (const line of code) run.print(`tools of ${line}`)
  for (const line of skillLines(agent)) run.print(line)
}

async function remove(run: Invocation, name: string, { force }: { readonly force?: boolean }): Promise<void> {
  const client = await run.client()
  await client.agents.delete(name, force ? { force } : {})
  if (run.json) run.printJson({ outcome: 'deleted', name })
  else run.hint(`Agent ${name} deleted. You can still read its sessions: reins session list --agent ${name}`)
}

async function start(run: Invocation, name: string, options: StartOptions): Promise<void> {
  if (isServingMode(options.mode)) return serve(run, name, options.mode, options)
  try {
    await chat(run, name, options)
  } catch (error) {
    if (!(error instanceof ReinsError) || error.code !== 'unauthorized') throw error
    const { message, next } = explainFailure(error)
    throw new CommandFailure(`Error starting agent: 401: ${message}`, next === undefined ? {} : { next })
  }
}

async function chat(run: Invocation, agent: string, { session: id, budget, plain }: StartOptions): Promise<void> {
  const client = await run.client()
  const session = id === undefined ? undefined : await client.sessions.get(id)
  if (session) await refuseEnded(run, session)
  const limits = budget === undefined ? {} : { budget }
  if (plain) return openPlainChat(run, { agent, ...(session === undefined ? {} : { session }), ...limits })
  await openChat(run, { agent, ...(id === undefined ? {} : { session: id }), ...limits })
}
