// From YAML or JSON to a definition, or to everything that is wrong with it at once.
//   D1. Total: hostile input gives problems, never an exception, and never takes long.
//   D2. Nothing is filled in but the name: what is stored is what was written, so its digest is the writer's.
//   D3. What is accepted resolves: the tools are read by the very function that the services read them by.
import {
  AgentDefinition,
  agentNamePattern,
  canonicalJson,
  codeEntries,
  formOf,
  isInline,
  isMapping,
  type LongTermMemory,
  type McpServer,
  mcpProblems,
  memberPath,
  memoryProblems,
  type Problem,
  placedEntries,
  problemsOf as problemsBySchema,
  quoted,
  type Schema,
  type SubAgentEntry,
  shown,
  subAgentProblems,
  suggestion,
} from '@reins/contracts'
import { resolveTools } from '@reins/tools'
import { type Document, problemAt, readJson } from './plain-value.ts'
import { readYaml } from './yaml-text.ts'

export type DefinitionSource = { readonly yaml: string | Uint8Array } | { readonly definition: unknown }

export interface SourceOptions {
  /** The name that the definition is put under: fills in a missing one, and must be the same as a given one. */
  readonly name?: string
  /** What is configured: a provider, for all its models, or provider/model where it has no others; without, anything will do. */
  readonly knownProviders?: readonly string[]
}

export type ParsedDefinition =
  /** The files that it names are still only named: see code/bundles.ts. */
  | { readonly kind: 'valid'; readonly definition: AgentDefinition; readonly places: Document['places'] }
  | {
      readonly kind: 'invalid'
      /** `model_not_found`: nothing else is wrong. */
      readonly code: 'invalid_agent' | 'model_not_found'
      readonly problems: readonly Problem[]
    }

/** Of its canonical JSON: a definition travels as one message, whose limit is 1 MB by default. */
export const maxDefinitionBytes = 400 * 1024

const schema: Schema = AgentDefinition
const isDefinition = formOf(AgentDefinition)

export function parseDefinition(source: DefinitionSource, options: SourceOptions = {}): ParsedDefinition {
  const read = 'yaml' in source ? readYaml(source.yaml) : readJson(source.definition)
  if (read.kind === 'problems') return invalid(read.problems)
  if (!isMapping(read.value))
    return invalid([
      problemAt(read.places, '', `must be a mapping with name, model and system_prompt, not ${shown(read.value)}`),
    ])
  const value: Record<string, unknown> =
    options.name !== undefined && !Object.hasOwn(read.value, 'name')
      ? { name: options.name, ...read.value }
      : read.value
  const problems = problemsOf({ value, places: read.places }, value, options.name)
  const provider = problems.length === 0 ? unknownProvider(value, read.places, options.knownProviders) : undefined
  if (provider) return { kind: 'invalid', code: 'model_not_found', problems: [provider] }
  if (problems.length > 0) return invalid(problems)
  // What the checks above let through and the schema does not would be a bug of theirs; it must not get into the log.
  if (!isDefinition(value)) return invalid([{ path: '', message: 'is not valid by the schema of definitions' }])
  return { kind: 'valid', definition: value, places: read.places }
}

interface Context {
  readonly places: Document['places']
  readonly problems: Problem[]
}

const invalid = (problems: readonly Problem[]): ParsedDefinition => ({
  kind: 'invalid',
  code: 'invalid_agent',
  problems: problems.slice(0, 50),
})

function problemsOf(document: Document, value: Record<string, unknown>, name: string | undefined): Problem[] {
  const problems: Problem[] = []
  const context: Context = { places: document.places, problems }
  for (const { path, message, atKey } of problemsBySchema(schema, value, { skip: ['tools', 'tools_file'] }))
    problems.push(problemAt(document.places, path, message, atKey))
  if (Object.hasOwn(value, 'tools')) checkTools(value.tools, context)
  checkMcpServers(value, context)
  checkMemory(value, context)
  checkCode(value, context)
  checkAgents(value, context)
  checkName(value.name, name, context)
  const size = problems.length === 0 ? sizeProblem(value) : undefined
  if (size) problems.push(size)
  return problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
}

/** Of what is going to be stored. */
export function sizeProblem(definition: unknown): Problem | undefined {
  const bytes = Buffer.byteLength(canonicalJson(definition))
  if (bytes <= maxDefinitionBytes) return undefined
  return { path: '', message: `is ${bytes} bytes long; at most ${maxDefinitionBytes} are allowed` }
}

function checkName(given: unknown, asked: string | undefined, { places, problems }: Context): void {
  if (asked === undefined || typeof given !== 'string' || given === asked) return
  if (new RegExp(agentNamePattern).test(given))
    problems.push(
      problemAt(
        places,
        'name',
        `is ${quoted(given)}, but the agent is ${quoted(asked)}: make them the same, or leave it out`,
      ),
    )
}

/** D3. Once they have the form of the schema. */
function checkMcpServers(value: Record<string, unknown>, { places, problems }: Context): void {
  if (problems.length > 0 || !Object.hasOwn(value, 'mcp_servers')) return
  for (const { path, message, atKey } of mcpProblems(value.mcp_servers as readonly McpServer[]))
    problems.push(problemAt(places, `mcp_servers${path}`, message, atKey))
}

/** D3. Once it has the form of the schema. */
function checkMemory(value: Record<string, unknown>, { places, problems }: Context): void {
  if (problems.length > 0 || !Object.hasOwn(value, 'long_term_memory')) return
  for (const { path, message } of memoryProblems(value.long_term_memory as LongTermMemory))
    problems.push(problemAt(places, `long_term_memory${path}`, message))
}

/** D3. */
function checkTools(tools: unknown, { places, problems }: Context): void {
  const resolved = resolveTools(tools)
  if (resolved.ok) return
  for (const { path, message, atKey } of resolved.problems)
    problems.push(problemAt(places, `tools${path}`, message, atKey))
}

/** D3. Once they have the form of the schema. What other agents there are is asked later. */
function checkAgents(value: Record<string, unknown>, { places, problems }: Context): void {
  if (problems.length > 0 || !Object.hasOwn(value, 'agents')) return
  const agents = value.agents as readonly SubAgentEntry[]
  for (const { path, message, atKey } of subAgentProblems(agents))
    problems.push(problemAt(places, path, message, atKey))
  for (const { path, entry } of placedEntries(agents)) {
    if (!isInline(entry)) continue
    const resolved = resolveTools(entry.tools ?? [])
    if (!resolved.ok)
      for (const { path: inside, message, atKey } of resolved.problems)
        problems.push(problemAt(places, `${memberPath(path, 'tools')}${inside}`, message, atKey))
    for (const tool of codeEntries({ tools: entry.tools }).entries)
      problems.push(problemAt(places, memberPath(path, tool.path), ownDefinition('code of its own')))
  }
}

const ownDefinition = (what: string): string =>
  `gives ${what} to an agent that is written in place, and there is no place for it yet: store that agent under its own name, and list the name`

function checkCode(value: Record<string, unknown>, { places, problems }: Context): void {
  for (const { path, message, atKey } of codeEntries(value).problems)
    problems.push(problemAt(places, path, message, atKey))
}

function unknownProvider(
  value: Record<string, unknown>,
  places: Document['places'],
  known: readonly string[] | undefined,
): Problem | undefined {
  const model = String(value.model)
  const provider = model.slice(0, model.indexOf('/'))
  if (known === undefined || known.includes(provider) || known.includes(model)) return undefined
  const valid = known.length === 0 ? 'none is configured' : `configured are: ${known.join(', ')}`
  return problemAt(places, 'model', `nobody provides ${quoted(model)}${suggestion(provider, known)}; ${valid}`)
}

/** All problems as one text for people, one a line. */
export const problemsText = (problems: readonly Problem[]): string =>
  problems
    .map(
      ({ path, message, line }) =>
        `${line === undefined ? '' : `line ${line}: `}${path === '' ? 'the definition' : path} ${message}`,
    )
    .join('\n')
