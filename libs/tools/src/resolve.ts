// What the `tools` list of a definition means: the one place that says it. Used when a definition is put, when a session starts, when
// a model is asked and when a call runs, so that what was accepted is what runs. Pure.
//   R1. Every mistake is named with its place; none is passed over, and no list that has one resolves to fewer tools.
//   R2. Ranges and forms are those of the schema (`ToolConfig` in contracts). Said here is only what a schema cannot say: which names
//       there are, and that a pattern is RE2.
//   R3. Entries that name a file (`- file: ./tools.ts`) are code of users: another source reads them (contracts, `codeEntries`).
import {
  definitionDefaults,
  durationMs,
  isMapping,
  itemPath,
  memberPath,
  namesFile,
  problemsOf,
  quoted,
  type Schema,
  shown,
  suggestion,
  type ToolApprovalRule,
  ToolConfig,
  ToolList,
} from '@reins/contracts'
import { Value } from 'typebox/value'
import { builtinTools } from './builtin/builtin.ts'
import type { ToolSettings } from './calls/context.ts'
import { compilePattern, expandedSize } from './text/pattern.ts'
import type { ToolDefinition } from './tool.ts'
import { virtualGroup, virtualTools } from './virtual/virtual-tools.ts'

/** A speed bump for accidents, not a boundary: the sandbox is the boundary. */
export const defaultBlocklist: readonly string[] = [
  String.raw`\brm\s+-rf\s+/`,
  String.raw`\bmkfs\b`,
  String.raw`\bdd\s`,
  String.raw`\bshutdown\b`,
  String.raw`\breboot\b`,
  String.raw`:\(\)\s*\{`,
  String.raw`>\s*/dev/sd`,
]

export const defaultSettings: ToolSettings = {
  workspace: null,
  timeoutMs: definitionDefaults.toolTimeoutSeconds * 1_000,
  maxOutputChars: definitionDefaults.maxOutputChars,
  blocklist: defaultBlocklist,
  network: false,
}

export interface ResolvedTool {
  readonly definition: ToolDefinition
  readonly settings: ToolSettings
  /** Absent: the definition says nothing about approving its calls. */
  readonly rule?: ToolApprovalRule
}

export interface ToolsProblem {
  /** Where in the list: `[1].shell.timeout`; '' for the list itself. */
  readonly path: string
  readonly message: string
  /** What is wrong is the name at the end of the path, not its value. */
  readonly atKey: boolean
}

export type ResolvedTools =
  | { readonly ok: true; readonly tools: readonly ResolvedTool[] }
  | { readonly ok: false; readonly problems: readonly ToolsProblem[] }

/** Of built-in tools: each by its group, and all of them by `system_tools`. */
export const toolGroups: readonly string[] = [
  'system_tools',
  ...new Set(builtinTools.map(({ group }) => group)),
  virtualGroup,
]
const soleNames = builtinTools.map(({ name }) => name).filter((name) => !toolGroups.includes(name))
const validNames = [...toolGroups, ...soleNames]
const configSchema: Schema = ToolConfig
const listSchema: Schema = ToolList

/** Each is compiled where the agent is put, and looked for in each command. */
const maxBlocklistSteps = 5_000

/** Entries are names (`files`, `read_file`) or `{name: settings}`. A later entry for a tool replaces an earlier one; [] is no tools. */
export function resolveTools(entries: unknown): ResolvedTools {
  const problems: ToolsProblem[] = []
  const say = (path: string, message: string, atKey = false) => void problems.push({ path, message, atKey })
  if (!Array.isArray(entries)) {
    say('', `must be a list of tools, not ${shown(entries)}; for example [system_tools]`)
    return { ok: false, problems }
  }
  const most = listSchema.maxItems ?? Number.POSITIVE_INFINITY
  if (entries.length > most) say('', `has ${entries.length} entries; at most ${most} are allowed`)
  const resolved = new Map<string, ResolvedTool>()
  for (const [index, entry] of entries.slice(0, most).entries()) {
    if (namesFile(entry)) continue // R3
    const named = nameOf(entry, itemPath('', index), say)
    const settings = named && settingsOf(named, say)
    if (!settings) continue
    for (const definition of named.tools) {
      // What has to be approved stays so, also where a later entry only says how long the tool may take.
      const rule = ruleOf(named.config) ?? resolved.get(definition.name)?.rule
      resolved.set(definition.name, { definition, settings, ...(rule === undefined ? {} : { rule }) })
    }
  }
  if (problems.length > 0) return { ok: false, problems }
  // In the order of the built-in list, so that the same definition always reads the same to a model and to its prompt cache.
  return { ok: true, tools: builtinTools.flatMap(({ name }) => resolved.get(name) ?? []) }
}

/** The workspace that an agent's tools work in, as its definition names it; of several the shell's, else the first. null: none is named. */
export function workspaceNamed({ tools = [] }: { readonly tools?: unknown }): string | null {
  const resolved = resolveTools(tools)
  if (!resolved.ok) return null
  const onDisk = resolved.tools.filter(({ definition }) => !definition.virtual)
  const tool = onDisk.find(({ definition }) => definition.name === 'shell') ?? onDisk[0]
  return tool?.settings.workspace ?? null
}

/** All that its tools work in; null for where it names none. Empty for a definition without tools, or with problems. */
export function workspacesNamed({ tools = [] }: { readonly tools?: unknown }): readonly (string | null)[] {
  const resolved = resolveTools(tools)
  return resolved.ok
    ? [
        ...new Set(
          resolved.tools.flatMap(({ definition, settings }) => (definition.virtual ? [] : [settings.workspace])),
        ),
      ]
    : []
}

/** All problems as one text for people. */
export const toolsProblemsText = (problems: readonly ToolsProblem[]): string =>
  problems.map(({ path, message }) => `tools${path} ${message}`).join('; ')

type Say = (path: string, message: string, atKey?: boolean) => void

interface Named {
  readonly tools: readonly ToolDefinition[]
  readonly config: unknown
  readonly name: string
  readonly path: string
}

function nameOf(entry: unknown, path: string, say: Say): Named | undefined {
  if (typeof entry === 'string') {
    const tools = toolsNamed(entry)
    if (tools.length > 0) return { tools, config: {}, name: entry, path }
    say(path, unknownName(entry))
    return undefined
  }
  const names = isMapping(entry) ? Object.keys(entry) : []
  const [name] = names
  if (!isMapping(entry) || name === undefined) {
    const example = '"- shell", or a name with settings, as in "- shell: {timeout: 60}"'
    say(path, `must be the name of a tool or group, as in ${example}; not ${shown(entry)}`)
    return undefined
  }
  if (names.length > 1) {
    const shownNames = names.slice(0, 5).map(quoted).join(', ')
    say(
      path,
      `has ${names.length} names (${shownNames}): give each an entry of its own, since a later entry replaces an earlier one`,
    )
    return undefined
  }
  const inside = memberPath(path, name)
  const tools = toolsNamed(name)
  if (tools.length > 0) return { tools, config: entry[name], name, path: inside }
  say(inside, unknownName(name), true)
  return undefined
}

/** Of settings that are valid. */
function ruleOf(config: unknown): ToolApprovalRule | undefined {
  if (!Value.Check(ToolConfig, config)) return undefined
  const { approval, allow, expires } = config
  if (approval === undefined && allow === undefined && expires === undefined) return undefined
  return {
    ...(approval === undefined ? {} : { approval }),
    ...(allow === undefined ? {} : { allow }),
    ...(expires === undefined ? {} : { expires: durationMs(expires) }),
  }
}

const toolsNamed = (name: string): readonly ToolDefinition[] =>
  name === virtualGroup
    ? virtualTools
    : builtinTools.filter((tool) => tool.name === name || tool.group === name || name === 'system_tools')

const unknownName = (name: string): string =>
  `there is no tool or group ${quoted(name)}${suggestion(name, validNames)}; groups: ${toolGroups.join(', ')}; tools: ${soleNames.join(', ')}; a tool of your own comes from a TypeScript file: tools_file: ./tools.ts, or - file: ./tools.ts`

function settingsOf({ config, name, path }: Named, say: Say): ToolSettings | undefined {
  if (config === null) {
    say(path, `has no settings: write "- ${name}", or give it some`, true)
    return undefined
  }
  const problems = problemsOf(configSchema, config, { path })
  for (const problem of problems) say(problem.path, problem.message, problem.atKey)
  if (problems.length > 0) return undefined
  if (!Value.Check(ToolConfig, config)) {
    say(path, 'is not valid by the schema of settings')
    return undefined
  }
  const unreadable = (config.blocklist ?? []).flatMap((source, index) => {
    const compiled = compilePattern(source)
    return compiled.kind === 'ok' ? [] : [{ source, index, message: compiled.message }]
  })
  for (const { source, index, message } of unreadable)
    say(itemPath(memberPath(path, 'blocklist'), index), `${quoted(source)} is no regular expression: ${message}`)
  if (unreadable.length > 0) return undefined
  const steps = (config.blocklist ?? []).reduce((sum, source) => sum + expandedSize(source), 0)
  if (steps > maxBlocklistSteps) {
    const inside = memberPath(path, 'blocklist')
    say(
      inside,
      `is too large: its patterns have about ${steps} steps together, and at most ${maxBlocklistSteps} are allowed`,
    )
    return undefined
  }
  return {
    workspace: config.workspace ?? defaultSettings.workspace,
    timeoutMs: config.timeout === undefined ? defaultSettings.timeoutMs : Math.ceil(config.timeout * 1_000),
    maxOutputChars: config.max_output_chars ?? defaultSettings.maxOutputChars,
    blocklist: config.blocklist ?? defaultSettings.blocklist,
    network: config.network ?? defaultSettings.network,
  }
}
