// What a definition has of its code and skills: what it had before, and how what is kept stands in it. Pure.
//   H1. Code and skills that the agent does not have yet need the permission to register them, whether they are sent or named.
//   H2. So does the network for code that had none: what code may reach is a part of what it is.
import {
  type AgentDefinition,
  type CodeEntry,
  type CodeFile,
  type PlacedSkills,
  placedSkills,
  ReinsError,
  registerPermission,
  type StoredCode,
  type StoredSkills,
  storedCode,
  type WorkflowEntry,
  withPlacedSkills,
  workflowEntry,
} from '@reins/contracts'

/** H1, H2. */
export function mustHaveAll(
  entries: readonly CodeEntry[],
  folders: readonly PlacedSkills[],
  current: AgentDefinition | undefined,
): void {
  const had = new Set(current ? placedSkills(current).map(({ folder }) => folder.digest) : [])
  const strange = folders.find(({ folder }) => folder.digest === undefined || !had.has(folder.digest))
  if (strange)
    throw new ReinsError(
      'forbidden',
      `${strange.path} (${strange.folder.dir}) gives the agent skills that it does not have yet. That needs the permission ${registerPermission}.`,
      { details: { permission: registerPermission } },
    )

  const workflow = current && workflowEntry(current)
  const before = [...(current ? storedCode(current) : []), ...(workflow ? [workflow] : [])]
  const own = new Set(before.flatMap(({ digest }) => digest ?? []))
  const foreign = entries.find(({ digest }) => digest === undefined || !own.has(digest))
  if (foreign)
    throw new ReinsError(
      'forbidden',
      `${foreign.path} (${foreign.file}) gives the agent code that it does not have yet. That needs the permission ${registerPermission}.`,
      { details: { permission: registerPermission } },
    )

  const reaching = new Set(before.flatMap(({ digest, network }) => (network && digest) || []))
  const opened = entries.find(({ digest, network }) => network && digest !== undefined && !reaching.has(digest))
  if (opened)
    throw new ReinsError(
      'forbidden',
      `${opened.path} (${opened.file}) opens the network for code that had none. That needs the permission ${registerPermission}.`,
      { details: { permission: registerPermission } },
    )
}

/** The definition with what is kept in place of each path. `skills`: by the path of the place. */
export function withStored(
  definition: AgentDefinition,
  stored: readonly StoredCode[],
  skills: ReadonlyMap<string, StoredSkills>,
  workflow?: WorkflowEntry,
): AgentDefinition {
  const byPath = new Map(stored.map(({ path, ...entry }) => [path, entry satisfies CodeFile]))
  const { tools_file, tools } = definition
  const at = <T>(path: string, value: T): T | CodeFile => byPath.get(path) ?? value
  return {
    ...withPlacedSkills(definition, (path) => skills.get(path)),
    ...(workflow === undefined ? {} : { workflow_file: workflow }),
    ...(tools_file === undefined
      ? {}
      : {
          tools_file: Array.isArray(tools_file)
            ? tools_file.map((value, index) => at(`tools_file[${index}]`, value))
            : at('tools_file', tools_file),
        }),
    ...(tools === undefined ? {} : { tools: tools.map((value, index) => at(`tools[${index}]`, value)) }),
  }
}
