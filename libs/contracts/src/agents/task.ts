// The tool `task` of agents that come from code, as far as their definitions say it.
//   TK1. Only what an initializer gave has it (SD1 of stored-definition.ts): a build that was made before there was a `task` goes on with
//        `delegate`.
//   TK2. A folder for a task lies in the folder that the agent works in, and no name leads out of that. Links on the way are refused where
//        the folder is opened.
import type { AgentDefinition, ToolConfig, ToolEntry } from './definition.ts'
import { isInline } from './sub-agents.ts'

/** TK1. */
export const offersTask = (definition: object): boolean => 'task' in definition && definition.task === true

const longest = 4_096

/** TK2. The way from the folder on; '' is the folder itself. undefined: it does not lie in there. */
export function placeWithin(folder: string, cwd: string): string | undefined {
  const base = folder.replace(/\/+$/, '')
  const isAbsolute = folder.startsWith('/')
  const inside = isAbsolute && `${cwd}/`.startsWith(`${base}/`) ? cwd.slice(base.length + 1) : cwd
  const names = inside.split('/').filter((name) => name !== '' && name !== '.')
  const place = names.join('/')
  if (inside.startsWith('/') || names.includes('..') || place.includes('\0')) return undefined
  return base.length + 1 + place.length > longest ? undefined : place
}

/** The same, working in this place of its folder, with the agents that are written in it. */
export function workingIn<T extends Pick<AgentDefinition, 'tools' | 'agents'>>(definition: T, place: string): T {
  const { tools, agents } = definition
  return {
    ...definition,
    ...(tools === undefined ? {} : { tools: tools.map((entry) => placed(entry, place)) }),
    ...(agents === undefined
      ? {}
      : { agents: agents.map((entry) => (isInline(entry) ? workingIn(entry, place) : entry)) }),
  }
}

function placed(entry: ToolEntry, place: string): ToolEntry {
  if (entry === 'virtual_sandbox') return { virtual_sandbox: { workspace: place } }
  if (typeof entry === 'string' || 'file' in entry) return entry
  if ('virtual_sandbox' in entry) return { virtual_sandbox: inMemory(entry.virtual_sandbox as ToolConfig, place) }
  return Object.fromEntries(
    Object.entries(entry as Record<string, ToolConfig>).map(([name, settings]) => [
      name,
      settings.workspace === undefined
        ? settings
        : { ...settings, workspace: `${settings.workspace.replace(/\/+$/, '')}/${place}` },
    ]),
  )
}

const inMemory = ({ workspace, ...settings }: ToolConfig, place: string): ToolConfig => ({
  ...settings,
  workspace: workspace === undefined ? place : `${workspace.replace(/\/+$/, '')}/${place}`,
})
