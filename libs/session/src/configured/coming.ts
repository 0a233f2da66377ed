// What a session's next turn begins with: a definition that was recorded while the one before still stands.
import type { EventOf, PinnedDefinition, PinnedTool, SessionEvent } from '@reins/contracts'
import type { Session } from '../session.ts'

/** Events by which a definition declares, beside the first event, what its sessions have. A budget is no part of it: it is the session's. */
export const redeclared = [
  'approvals.pinned',
  'toolset.declared',
  'workspace.declared',
  'skills.declared',
  'memory.declared',
  'agents.declared',
  'workflows.declared',
  'task.declared',
  'tools.given',
  'planning.declared',
  'context.declared',
  'output.declared',
] as const
export type Redeclared = (typeof redeclared)[number]
export type Declared = EventOf<Redeclared>

export const isRedeclared = (event: SessionEvent): event is Declared =>
  (redeclared as readonly string[]).includes(event.type)

export interface Coming {
  /** The frame that says so, and what of it is needed to read what it declares. */
  readonly n: number
  readonly at: number
  readonly by: string
  readonly pinned: PinnedDefinition
  readonly declared: readonly Declared[]
}

/** Of the definition that a message sent now is answered by. */
export const comingDigest = ({ coming, born }: Session): string | undefined => coming?.pinned.digest ?? born?.digest

/** The definition that a message sent now is answered by, as it was pinned; the tools of servers are no part of it. */
export function upcoming({ coming, born }: Session): {
  readonly tools: readonly string[]
  readonly toolset: readonly PinnedTool[]
} {
  const { toolset = [], tools = {} } = coming?.pinned ?? born ?? {}
  const own = toolset.filter(({ source }) => !source.startsWith('mcp:'))
  const ofServers = new Set(toolset.filter((tool) => !own.includes(tool)).map(({ name }) => name))
  return { tools: Object.keys(tools).filter((name) => !ofServers.has(name)), toolset: own }
}

/** Whether senders of messages may be kept from deciding about the turn that takes them in. */
export const excludesRequester = ({ approvals, coming }: Session): boolean =>
  approvals?.excludeRequester === true ||
  (coming?.declared.some(({ type, data }) => type === 'approvals.pinned' && data.excludeRequester === true) ?? false)
