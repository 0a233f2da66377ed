// Which folder an agent works in, and what of it is closed to it because another agent works there.
//   WP1. No agent works in a folder that holds another agent's, unless the operator says so: its commands could put a link, or another
//        folder, in the place of that one. Agents may share one folder: nothing of it is theirs alone.
//   WP2. The folder in which agents that name none have theirs is closed to an agent that works around it, so that the folder in which
//        Reins was started can be worked in.
//   WP3. Folders hold each other by identity (root.ts), and by their paths where one of them is not there yet.
import { mkdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { ToolFailure } from '../calls/outcome.ts'
import { isWithin } from '../sandbox/mounts.ts'
import type { Guard } from './guard.ts'
import { sameNode } from './node.ts'
import { openRoot, wayTo } from './root.ts'

export interface WorkplaceOptions {
  /** Where relative workspaces are resolved. Absolute. */
  readonly workspaceRoot: string
  /** Absolute: where an agent that names no workspace has a folder of its own, made when needed; undefined: it works in the root. */
  readonly ownWorkspaces?: string | undefined
  /** What no tool may see, and what none may change. */
  readonly guard: Guard
  /** WP2: the folder of such folders, also where the operator named a root. Absolute. Default: ownWorkspaces. */
  readonly agentFolders?: string | undefined
  /** The operator's word against WP1. */
  readonly allowNested?: boolean | undefined
  /** The other agents. Absent: none. */
  readonly neighbours?: Neighbours | undefined
}

export interface Neighbours {
  /** Another one whenever the list is another one. */
  readonly version: number
  readonly list: readonly Neighbour[]
  /** Before a call: the list is as the registry is. */
  refresh(): Promise<void>
}

export interface Neighbour {
  readonly agent: string
  /** Those that stand in one definition, itself included: they do not count as others. */
  readonly kin: readonly string[]
  /** As the definition names them; null for none. */
  readonly workspaces: readonly (string | null)[]
}

export interface Workplace {
  readonly folder: string
  readonly guard: Guard
}

export const nestedWorkspaces = (agent: string, folder: string, other: string, inner: string): string =>
  `the workspace of agent "${agent}" (${folder}) holds the workspace of agent "${other}" (${inner}): what "${agent}" does there could lead "${other}" to another folder. Give one of them a workspace that does not lie in the other's, or the same one; or, where they trust each other, the operator allows it with --allow-nested-workspaces (env REINS_ALLOW_NESTED_WORKSPACES=1)`

const mostKnown = 1000

export class Workplaces {
  readonly #options: WorkplaceOptions
  readonly #known = new Map<string, readonly string[]>()
  #version = -1

  constructor(options: WorkplaceOptions) {
    this.#options = options
  }

  /** As `of`, with what the registry says now. Rejects with ToolFailure. */
  async fresh(agent: string, workspace: string | null): Promise<Workplace> {
    await this.#options.neighbours?.refresh()
    return this.of(agent, workspace)
  }

  /** The folder of an agent that names this one, or none. Throws ToolFailure where there is none, or not for this agent. */
  of(agent: string, workspace: string | null): Workplace {
    const { guard, neighbours } = this.#options
    const folder = this.#folder(agent, workspace)
    const version = neighbours?.version ?? 0
    if (version !== this.#version || this.#known.size >= mostKnown) this.#known.clear()
    this.#version = version
    const key = `${agent}\0${folder}`
    let closed = this.#known.get(key)
    if (!closed) {
      closed = this.#closedTo(agent, folder)
      this.#known.set(key, closed)
    }
    return { folder, guard: closed.length === 0 ? guard : { ...guard, closed } }
  }

  #path(agent: string, workspace: string | null): string {
    const { workspaceRoot, ownWorkspaces } = this.#options
    return workspace === null && ownWorkspaces !== undefined
      ? path.join(ownWorkspaces, agent)
      : path.resolve(workspaceRoot, workspace ?? '.')
  }

  #folder(agent: string, workspace: string | null): string {
    const { workspaceRoot, ownWorkspaces, guard } = this.#options
    const folder = this.#path(agent, workspace)
    if (isFolder(folder)) return folder
    if (workspace !== null || ownWorkspaces === undefined) throw noWorkspace(workspace ?? workspaceRoot)
    mkdirSync(ownWorkspaces, { recursive: true })
    using parent = openRoot(ownWorkspaces, guard)
    mkdirSync(`${parent.node.address}/${agent}`, { recursive: true })
    return folder
  }

  /** WP1, WP2. Throws ToolFailure. */
  #closedTo(agent: string, folder: string): readonly string[] {
    const { allowNested = false, neighbours, ownWorkspaces, agentFolders = ownWorkspaces } = this.#options
    if (allowNested) return []
    const own = wayTo(folder).at(-1)
    const isHeld = (inner: string): boolean => {
      if (inner !== folder && isWithin(inner, folder)) return true
      const way = wayTo(inner)
      return way.slice(0, -1).some(({ stat }) => own !== undefined && sameNode(own.stat, stat))
    }
    const closed = agentFolders !== undefined && isHeld(agentFolders) ? [agentFolders] : []
    for (const neighbour of neighbours?.list ?? []) {
      if (neighbour.kin.includes(agent)) continue
      for (const workspace of neighbour.workspaces) {
        const inner = this.#path(neighbour.agent, workspace)
        if (closed.some((place) => isWithin(inner, place)) || !isHeld(inner)) continue
        if (agentFolders === undefined || !isWithin(inner, agentFolders))
          throw new ToolFailure('refused', nestedWorkspaces(agent, folder, neighbour.agent, inner))
        closed.push(inner)
      }
    }
    return closed
  }
}

const noWorkspace = (workspace: string): ToolFailure =>
  new ToolFailure(
    'workspace_not_found',
    `the workspace "${workspace.slice(0, 200)}" is no folder on the machine of the tool-runner. Make it, or name another one in the agent's definition`,
  )

/** Synchronous, as the tools' own walk to a file is: the way through the thread pool costs ten times the call. */
function isFolder(folder: string): boolean {
  try {
    return statSync(folder).isDirectory()
  } catch {
    return false
  }
}
