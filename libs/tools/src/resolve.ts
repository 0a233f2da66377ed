// From the `tools` list of an agent definition to tools with settings. Pure; every mistake is named, none is passed over.
import { builtinTools } from './builtin/builtin.ts'
import type { ToolSettings } from './context.ts'
import { compilePattern } from './text/pattern.ts'
import type { ToolDefinition } from './tool.ts'

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
  workspace: '.',
  timeoutMs: 30_000,
  maxOutputChars: 100_000,
  blocklist: defaultBlocklist,
  network: false,
}

export interface ResolvedTool {
  readonly definition: ToolDefinition
  readonly settings: ToolSettings
}

export interface ToolsProblem {
  /** Where in the list: `[1].shell.timeout`; '' for the list itself. */
  readonly path: string
  readonly message: string
}

export type ResolvedTools =
  | { readonly ok: true; readonly tools: readonly ResolvedTool[] }
  | { readonly ok: false; readonly problems: readonly ToolsProblem[] }

const groups = ['system_tools', ...new Set(builtinTools.map((tool) => tool.group))]
const validNames = [...groups, ...builtinTools.map((tool) => tool.name).filter((name) => !groups.includes(name))]

/** Entries are names (`files`, `read_file`) or `{name: settings}`. A later entry for a tool replaces an earlier one; [] is no tools. */
export function resolveTools(entries: unknown): ResolvedTools {
  if (!Array.isArray(entries)) {
    return {
      ok: false,
      problems: [
        { path: '', message: `must be a list of tools, for example [system_tools]. Valid: ${validNames.join(', ')}` },
      ],
    }
  }
  const problems: ToolsProblem[] = []
  const resolved = new Map<string, ResolvedTool>()
  entries.forEach((entry: unknown, at) => {
    const named = nameOf(entry)
    if (named === undefined) {
      problems.push({
        path: `[${at}]`,
        message:
          'must be the name of a tool or group, or one such name with its settings, for example {shell: {timeout: 60}}',
      })
      return
    }
    const path = `[${at}].${named.name}`
    const definitions = builtinTools.filter((tool) => [tool.name, tool.group, 'system_tools'].includes(named.name))
    if (definitions.length === 0) {
      problems.push({ path: `[${at}]`, message: unknownName(named.name) })
      return
    }
    const settings = parseSettings(named.settings, path, problems)
    for (const definition of definitions) resolved.set(definition.name, { definition, settings })
  })
  if (problems.length > 0) return { ok: false, problems }
  // In the order of the built-in list, so that the same definition always reads the same to a model and to its prompt cache.
  return { ok: true, tools: builtinTools.flatMap((definition) => resolved.get(definition.name) ?? []) }
}

function unknownName(name: string): string {
  if (name === 'file') return 'tools from a file of code are not available in this version; remove this entry'
  return `unknown tool or group ${JSON.stringify(name.slice(0, 100))}. Valid: ${validNames.join(', ')}`
}

function nameOf(entry: unknown): { name: string; settings: unknown } | undefined {
  if (typeof entry === 'string') return { name: entry, settings: undefined }
  if (!isMapping(entry)) return undefined
  const [first, ...others] = Object.entries(entry)
  return first === undefined || others.length > 0 ? undefined : { name: first[0], settings: first[1] ?? undefined }
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

type Reader = (value: unknown, settings: Mutable<ToolSettings>) => string | undefined

const readers: Readonly<Record<string, Reader>> = {
  workspace(value, settings) {
    if (typeof value !== 'string' || value === '' || value.includes('\0'))
      return 'must be a folder, for example /home/me/project, or relative to the workspace root'
    settings.workspace = value
    return undefined
  },
  timeout(value, settings) {
    if (typeof value !== 'number' || !(value > 0) || value > 86_400)
      return 'must be a number of seconds above 0 and up to 86400, for example 60'
    settings.timeoutMs = Math.ceil(value * 1000)
    return undefined
  },
  max_output_chars(value, settings) {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 4_000 || value > 10_000_000) {
      return 'must be a whole number from 4000 to 10000000, for example 200000'
    }
    settings.maxOutputChars = value
    return undefined
  },
  blocklist(value, settings) {
    if (!Array.isArray(value))
      return 'must be a list of regular expressions, for example ["rm -rf", "sudo"]; [] blocks nothing'
    for (const source of value) {
      const compiled = typeof source === 'string' ? compilePattern(source) : undefined
      if (compiled?.kind !== 'ok')
        return `has an entry that is no regular expression: ${JSON.stringify(source)}${compiled === undefined ? '' : `: ${compiled.message}`}`
    }
    settings.blocklist = value.filter((source) => typeof source === 'string')
    return undefined
  },
  network(value, settings) {
    if (typeof value !== 'boolean') return 'must be true or false'
    settings.network = value
    return undefined
  },
}

/** null stands for what is not said, as YAML writes it. */
function parseSettings(given: unknown, path: string, problems: ToolsProblem[]): ToolSettings {
  const settings: Mutable<ToolSettings> = { ...defaultSettings }
  if (given === undefined) return settings
  if (!isMapping(given)) {
    problems.push({ path, message: `must be a mapping of settings. Valid: ${Object.keys(readers).join(', ')}` })
    return settings
  }
  for (const [key, value] of Object.entries(given)) {
    const reader = Object.hasOwn(readers, key) ? readers[key] : undefined
    if (reader === undefined)
      problems.push({ path: `${path}.${key}`, message: `unknown setting. Valid: ${Object.keys(readers).join(', ')}` })
    else if (value !== null) {
      const message = reader(value, settings)
      if (message !== undefined) problems.push({ path: `${path}.${key}`, message })
    }
  }
  return settings
}
