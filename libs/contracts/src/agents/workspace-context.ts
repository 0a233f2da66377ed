// Whether sessions of an agent take instructions from the workspace. Whoever names a folder in a definition vouches for what it says to
// agents. A folder that nobody named is the agent's own: what it wrote there must not instruct its next session unasked.
import type { AgentDefinition } from './definition.ts'

export function looksAtWorkspace({ workspace_context: asked, approval_mode: mode, tools }: AgentDefinition): boolean {
  if (mode === 'never') return false
  return asked ?? folderOf({ tools }) !== undefined
}

/** The folder of a machine that a definition names for its tools; of several the first. */
export const folderOf = ({ tools = [] }: { readonly tools?: AgentDefinition['tools'] | undefined }) =>
  tools.flatMap(onDisk).find(namesFolder)?.workspace

/** The folder of a sandbox in memory is none of a machine. */
const onDisk = (entry: NonNullable<AgentDefinition['tools']>[number]): readonly unknown[] =>
  typeof entry === 'string' || Object.hasOwn(entry, 'virtual_sandbox') ? [] : Object.values(entry)

const namesFolder = (settings: unknown): settings is { readonly workspace: string } =>
  typeof settings === 'object' && settings !== null && 'workspace' in settings && typeof settings.workspace === 'string'
