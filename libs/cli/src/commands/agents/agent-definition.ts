// An agent's definition from a file and from flags. Pure; the server says whether it is valid.
//   F1. Flags win over the file. The name given on the command line is a flag like the others.
//   F2. A file that no flag changes is sent as it was written, so that the server's errors name its lines.
//   F3. Values are taken as they are: an unknown field, or a feature that is not there yet, is the server's to refuse.
import { type AgentDefinition, namesFile, placedSkills, withPlacedSkills, workflowEntry } from '@reins/contracts'
import { parseDocument, stringify } from 'yaml'
import { CommandFailure } from '../../failure.ts'

export interface DefinitionFlags {
  readonly model?: string
  readonly systemPrompt?: string
  readonly description?: string
  readonly tools?: readonly string[]
  readonly toolsFile?: readonly string[]
  readonly workflowFile?: string
  readonly mcpServer?: readonly string[]
  readonly skillsDir?: string
  readonly planning?: boolean
  readonly maxToolCalls?: number
  readonly maxTokens?: number
  readonly reasoningEffort?: string
}

/** The fields that the flags set, by their names in a definition. */
export function flagFields(flags: DefinitionFlags): Record<string, unknown> {
  const fields: Record<string, unknown> = {
    model: flags.model,
    system_prompt: flags.systemPrompt,
    description: flags.description,
    tools: flags.tools,
    tools_file: flags.toolsFile?.length === 1 ? flags.toolsFile[0] : flags.toolsFile,
    workflow_file: flags.workflowFile,
    mcp_servers: flags.mcpServer?.map((url) => ({ url })),
    skills_dir: flags.skillsDir,
    planning: flags.planning,
    max_tool_calls: flags.maxToolCalls,
    max_tokens: flags.maxTokens,
    reasoning_effort: flags.reasoningEffort,
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

export interface DefinitionFile {
  readonly path: string
  readonly text: string
}

export type DefinitionSource = { readonly yaml: string } | { readonly definition: AgentDefinition }

export interface NamedSource {
  readonly name: string
  readonly source: DefinitionSource
  /** What the source says, as far as it can be read here. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** The whole new definition: of the file with the flags on top, or of the flags alone. */
export function completeDefinition(
  name: string | undefined,
  file: DefinitionFile | undefined,
  flags: DefinitionFlags,
): NamedSource {
  const fields = flagFields(flags)
  const base = file ? readDefinition(file) : {}
  const finalName = name ?? base.name
  if (typeof finalName !== 'string')
    throw new CommandFailure(file ? `${file.path} does not name the agent.` : 'The command does not name the agent.', {
      exitCode: 2,
      next: 'Give the name as an argument, or as "name:" in the file.',
    })
  if (file && Object.keys(fields).length === 0 && base.name === finalName)
    return { name: finalName, source: { yaml: file.text }, fields: base }
  const whole = { ...base, ...fields, name: finalName }
  return { name: finalName, source: definition(whole), fields: whole }
}

/**
 * The stored definition with the fields of the file on top, and those of the flags on top of both. What neither names stays; a field
 * that is null in the file goes.
 */
export function changedDefinition(
  stored: AgentDefinition,
  file: DefinitionFile | undefined,
  flags: DefinitionFlags,
): NamedSource {
  const changes = { ...(file ? readDefinition(file) : {}), ...flagFields(flags), name: stored.name }
  const gone = new Set(Object.keys(changes).filter((key) => changes[key as keyof typeof changes] === null))
  const whole = Object.entries({ ...stored, ...changes })
  const fields = Object.fromEntries(whole.filter(([key]) => !gone.has(key)))
  return { name: stored.name, source: definition(fields), fields }
}

// The server validates it, and names what is missing or wrong (F3).
const definition = (fields: Record<string, unknown>): DefinitionSource => ({
  definition: { ...fields } as unknown as AgentDefinition,
})

/** The fields of a YAML or JSON file. Throws CommandFailure with the line of what is wrong. */
function readDefinition(file: DefinitionFile): Record<string, unknown> {
  const document = parseDocument(file.text, { uniqueKeys: true, prettyErrors: true })
  const fault = document.errors[0]
  if (fault?.code === 'MULTIPLE_DOCS')
    throw new CommandFailure(`${file.path} holds several definitions, with --- between them.`, {
      next: 'Write each agent into a file of its own.',
    })
  if (fault) throw new CommandFailure(`${file.path} is not valid YAML: ${fault.message}`)
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    throw new CommandFailure(`${file.path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CommandFailure(`${file.path} does not hold the definition of an agent.`, {
      next: 'A definition has fields such as "name: assistant" and "model: anthropic/claude-sonnet-4-5".',
    })
  return Object.fromEntries(Object.entries(value))
}

const order = ['name', 'model', 'description', 'system_prompt', 'tools_file', 'tools']

/** As `agent show` prints it: the usual order, long texts as blocks; of code its path, digest and size. */
export function definitionYaml(definition: AgentDefinition): string {
  const entries = Object.entries({ ...definition, ...shownCode(definition) })
  const place = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length)
  entries.sort(([a], [b]) => place(a) - place(b))
  return stringify(Object.fromEntries(entries), { lineWidth: 100, blockQuote: 'literal' }).trimEnd()
}

function shownSkills(definition: AgentDefinition): Partial<AgentDefinition> {
  const short = new Map(
    placedSkills(definition).map(({ path, folder: { dir, digest, size } }) => [
      path,
      { dir, ...(digest === undefined ? {} : { digest }), ...(size === undefined ? {} : { size }) },
    ]),
  )
  const { skills_dir, agents } = withPlacedSkills(definition, (path) => short.get(path))
  return { ...(skills_dir === undefined ? {} : { skills_dir }), ...(agents === undefined ? {} : { agents }) }
}

/** What a file declares is in the stored copy, which its digest names; and so is what a folder of skills holds. */
function shownCode(definition: AgentDefinition): Partial<AgentDefinition> {
  const { tools_file, tools } = definition
  const short = <T>(entry: T): T => {
    if (!namesFile(entry) || !('tools' in entry)) return entry
    const { tools: _, ...rest } = entry
    return rest as T
  }
  const workflow = workflowEntry(definition)
  return {
    ...(workflow?.affinity === undefined ? {} : { workflow_file: (({ affinity: _, ...rest }) => rest)(workflow) }),
    ...(tools_file === undefined
      ? {}
      : { tools_file: Array.isArray(tools_file) ? tools_file.map(short) : short(tools_file) }),
    ...(tools === undefined ? {} : { tools: tools.map(short) }),
    ...shownSkills(definition),
  }
}
