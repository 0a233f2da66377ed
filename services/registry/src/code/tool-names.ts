// One name is one tool: what two places of a definition would both give an agent is a problem that names both. Pure.
import { type AgentDefinition, itemPath, namesFile, quoted, type StoredCode, skillToolNames } from '@reins/contracts'
import { resolveTools } from '@reins/tools'

export interface Clash {
  /** Of the code that came second. */
  readonly path: string
  readonly message: string
}

/** `lineOf`: of a place in the text that was put, where it came as text. */
export function nameClashes(
  definition: Pick<AgentDefinition, 'tools' | 'skills_dir'>,
  codes: readonly StoredCode[],
  lineOf: (path: string) => number | undefined,
): readonly Clash[] {
  const first = builtinPlaces(definition)
  const clashes: Clash[] = []
  for (const { path, file, tools } of codes)
    for (const { name } of tools) {
      const other = first.get(name)
      if (other !== undefined) {
        const line = lineOf(other.path)
        const where = line === undefined ? other.path : `${other.path} on line ${line}`
        const message = `(${file}) has a tool ${quoted(name)}, and so has ${where} (${other.what}): rename one, or leave one out`
        clashes.push({ path, message })
      } else if (name.startsWith('mcp__'))
        clashes.push({
          path,
          message: `(${file}) has a tool ${quoted(name)}: names that begin with mcp__ are those of tools of MCP servers`,
        })
      else first.set(name, { path, what: file })
    }
  return clashes
}

/** Which entry gives which built-in tool. */
function builtinPlaces({ tools = [], skills_dir: dir }: Pick<AgentDefinition, 'tools' | 'skills_dir'>) {
  const places = new Map<string, { readonly path: string; readonly what: string }>()
  if (dir !== undefined)
    for (const name of Object.values(skillToolNames)) places.set(name, { path: 'skills_dir', what: 'tools of skills' })
  for (const [index, entry] of tools.entries()) {
    const resolved = namesFile(entry) ? undefined : resolveTools([entry])
    if (!resolved?.ok) continue
    const what = typeof entry === 'string' ? entry : (Object.keys(entry)[0] ?? '')
    for (const { definition } of resolved.tools)
      if (!places.has(definition.name)) places.set(definition.name, { path: itemPath('tools', index), what })
  }
  return places
}
