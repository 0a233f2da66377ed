// Walks a workspace's folders, depth first, in the order of names. Holds one handle per level, so the depth is limited.

import { asFailure } from '../calls/outcome.ts'
import type { Pace } from '../calls/pace.ts'
import type { Node } from './node.ts'
import type { Entry, Workspace } from './workspace.ts'

const maxWalkDepth = 100

export interface Walked {
  /** Relative to the workspace. */
  readonly path: string
  /** 1 for an entry of the folder where the walk began. */
  readonly depth: number
  readonly entry: Entry
}

export interface WalkOptions {
  readonly maxDepth?: number
  /** Whether to go into a folder; asked after it was yielded. */
  readonly enter: (name: string, path: string) => boolean
  /** A folder that cannot be read, or lies too deep, is left out, and told here. */
  readonly unread: (path: string) => void
}

export async function* walk(
  workspace: Workspace,
  folder: Node,
  relative: string,
  pace: Pace,
  options: WalkOptions,
  depth = 1,
): AsyncGenerator<Walked> {
  const entries = readable(workspace, folder, relative, options)
  for (const entry of entries) {
    const path = relative === '' ? entry.name : `${relative}/${entry.name}`
    if (pace.due) await pace.rest()
    yield { path, depth, entry }
    if (entry.kind !== 'folder' || entry.link || depth >= (options.maxDepth ?? Number.POSITIVE_INFINITY)) continue
    if (!options.enter(entry.name, path)) continue
    if (depth >= maxWalkDepth) options.unread(path)
    else yield* walk(workspace, entry.node, path, pace, options, depth + 1)
  }
}

function* readable(workspace: Workspace, folder: Node, relative: string, options: WalkOptions): Generator<Entry> {
  try {
    yield* workspace.entries(folder, relative)
  } catch (error) {
    if (relative === '') throw asFailure(error, '.')
    options.unread(relative)
  }
}

const bulky = new Set(['.git', 'node_modules'])

/** Whether a walk goes into folders such as node_modules: only where the caller named one. */
export function entersBulky(...named: readonly string[]): (name: string) => boolean {
  const asked = named.flatMap((text) => text.split('/')).filter((name) => bulky.has(name))
  return (name) => !bulky.has(name) || asked.length > 0
}
