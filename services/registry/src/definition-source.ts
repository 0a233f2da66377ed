// From YAML or JSON to a definition, or to everything that is wrong with it at once.
//   D1. Total: hostile input gives problems, never an exception, and never takes long.
//   D2. Nothing is filled in but the name: what is stored is what was written, so its digest is the writer's.
//   D3. A field whose effect is not there yet is checked like every other, then refused (contracts, `laterFields`).
import {
  AgentDefinition,
  agentNamePattern,
  builtinToolNames,
  canonicalJson,
  laterFields,
  type Problem,
  ToolConfig,
  toolGroups,
} from '@reins/contracts'
import { Compile } from 'typebox/compile'
import { type Document, itemPath, memberPath, problemAt, readJson } from './plain-value.ts'
import { type Context, checkValue, isMapping, quoted, type Schema, shown, suggestion } from './schema-problems.ts'
import { readYaml } from './yaml-text.ts'

export type DefinitionSource = { readonly yaml: string | Uint8Array } | { readonly definition: unknown }

export interface SourceOptions {
  /** The name that the definition is put under: fills in a missing one, and must be the same as a given one. */
  readonly name?: string
  /** What is configured: a provider, for all its models, or provider/model where it has no others; without, anything will do. */
  readonly knownProviders?: readonly string[]
}

export type ParsedDefinition =
  | { readonly kind: 'valid'; readonly definition: AgentDefinition }
  | {
      readonly kind: 'invalid'
      /** `model_not_found`: nothing else is wrong. */
      readonly code: 'invalid_agent' | 'model_not_found'
      readonly problems: readonly Problem[]
    }

/** Of its canonical JSON: a definition travels as one message, whose limit is 1 MB by default. */
export const maxDefinitionBytes = 400 * 1024

const schema: Schema = AgentDefinition
const toolConfig: Schema = ToolConfig
const validator = Compile(AgentDefinition)
const toolNames: readonly string[] = [...toolGroups, ...builtinToolNames.filter((name) => name !== 'shell')]

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
  if (!validator.Check(value)) return invalid([{ path: '', message: 'is not valid by the schema of definitions' }])
  return { kind: 'valid', definition: value }
}

const invalid = (problems: readonly Problem[]): ParsedDefinition => ({
  kind: 'invalid',
  code: 'invalid_agent',
  problems: problems.slice(0, 50),
})

function problemsOf(document: Document, value: Record<string, unknown>, name: string | undefined): Problem[] {
  const problems: Problem[] = []
  const context: Context = { places: document.places, problems, skip: new Set(['tools']) }
  checkValue(schema, value, '', context)
  if (Object.hasOwn(value, 'tools')) checkTools(value.tools, context)
  checkName(value.name, name, context)
  checkLater(value, context)
  const bytes = Buffer.byteLength(canonicalJson(value))
  if (problems.length === 0 && bytes > maxDefinitionBytes)
    problems.push({ path: '', message: `is ${bytes} bytes long; at most ${maxDefinitionBytes} are allowed` })
  return problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
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

/** D3. */
function checkLater(value: Record<string, unknown>, { places, problems }: Context): void {
  for (const [field, later] of Object.entries(laterFields)) {
    if (!Object.hasOwn(value, field) || later.harmless.includes(value[field])) continue
    if (problems.some(({ path }) => path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`)))
      continue
    const harmless = later.harmless.map((one) => `, or set it to ${String(one)}`).join('')
    problems.push(
      problemAt(
        places,
        field,
        `is understood, but its effect (${later.feature}) is not there yet: leave it out${harmless}`,
        true,
      ),
    )
  }
}

function checkTools(tools: unknown, context: Context): void {
  if (!Array.isArray(tools)) {
    context.problems.push(problemAt(context.places, 'tools', `must be a list of tools, not ${shown(tools)}`))
    return
  }
  if (tools.length > 100)
    context.problems.push(problemAt(context.places, 'tools', `has ${tools.length} entries; at most 100 are allowed`))
  for (const [index, tool] of tools.slice(0, 100).entries()) checkTool(tool, itemPath('tools', index), context)
}

function checkTool(tool: unknown, path: string, context: Context): void {
  const { places, problems } = context
  if (typeof tool === 'string') {
    if (!toolNames.includes(tool)) problems.push(problemAt(places, path, unknownTool(tool)))
    return
  }
  if (!isMapping(tool) || Object.keys(tool).length === 0) {
    const example = '"- shell", or a name with settings, as in "- shell: {timeout: 60}"'
    problems.push(problemAt(places, path, `must be the name of a tool or group, as in ${example}; not ${shown(tool)}`))
    return
  }
  for (const [name, config] of Object.entries(tool)) {
    const inside = memberPath(path, name)
    if (name === 'file')
      problems.push(
        problemAt(
          places,
          inside,
          'is understood, but its effect (tools from a file) is not there yet: leave it out',
          true,
        ),
      )
    else if (!toolNames.includes(name)) problems.push(problemAt(places, inside, unknownTool(name), true))
    else if (config === null)
      problems.push(problemAt(places, inside, `has no settings: write "- ${name}", or give it some`, true))
    else {
      checkValue(toolConfig, config, inside, context)
      checkBlocklist(config, inside, context)
    }
  }
}

function unknownTool(name: string): string {
  const tools = builtinToolNames.filter((tool) => tool !== 'shell')
  return `there is no tool or group ${quoted(name)}${suggestion(name, toolNames)}; groups: ${toolGroups.join(', ')}; tools: ${tools.join(', ')}`
}

function checkBlocklist(config: unknown, path: string, { places, problems }: Context): void {
  if (!isMapping(config) || !Array.isArray(config.blocklist)) return
  for (const [index, pattern] of config.blocklist.entries()) {
    if (typeof pattern !== 'string') continue
    try {
      new RegExp(pattern)
    } catch {
      const at = itemPath(memberPath(path, 'blocklist'), index)
      problems.push(problemAt(places, at, `${quoted(pattern)} is no regular expression`))
    }
  }
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
