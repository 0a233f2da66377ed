// Whether sessions of an agent take instructions from the workspace. Whoever names a folder in a definition vouches for what it says to
// agents. A folder that nobody named is the agent's own: what it wrote there must not instruct its next session unasked.
import type { AgentDefinition } from './definition.ts'
import { offersTask } from './task.ts'

export function looksAtWorkspace({ workspace_context: asked, approval_mode: mode, tools }: AgentDefinition): boolean {
  if (mode === 'never') return false
  return asked ?? folderOf({ tools }) !== undefined
}

/**
 * Whether its sessions take instructions from their files in memory, which are theirs alone: those of agents that come from code do, and others
 * where their definition asks for it.
 */
export const filesTell = (definition: AgentDefinition): boolean =>
  definition.approval_mode !== 'never' && (definition.workspace_context ?? offersTask(definition))

/** The folder of a machine that a definition names for its tools; of several the first. */
export const folderOf = ({ tools = [] }: { readonly tools?: AgentDefinition['tools'] | undefined }) =>
  tools.flatMap(onDisk).find(namesFolder)?.workspace

/** In a sandbox in memory: where a command begins, and where relative paths lie. */
export const virtualFolder = '/workspace'

/** The folder in memory that the tools of a definition begin in; undefined: none of them works in memory. */
export function folderInMemory({ tools = [] }: { readonly tools?: AgentDefinition['tools'] | undefined }) {
  const [found] = tools
    .flatMap((entry) =>
      entry === 'virtual_sandbox'
        ? [undefined]
        : typeof entry === 'object' && 'virtual_sandbox' in entry
          ? [(entry.virtual_sandbox as { readonly workspace?: string } | undefined)?.workspace]
          : [],
    )
    .map((workspace) => inMemory(workspace ?? ''))
  return found
}

const inMemory = (folder: string): string => {
  const names: string[] = []
  for (const name of (folder.startsWith('/') ? folder : `${virtualFolder}/${folder}`).split('/'))
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  return `/${names.join('/')}`
}

/** The folder of a sandbox in memory is none of a machine. */
const onDisk = (entry: NonNullable<AgentDefinition['tools']>[number]): readonly unknown[] =>
  typeof entry === 'string' || Object.hasOwn(entry, 'virtual_sandbox') ? [] : Object.values(entry)

const namesFolder = (settings: unknown): settings is { readonly workspace: string } =>
  typeof settings === 'object' && settings !== null && 'workspace' in settings && typeof settings.workspace === 'string'
