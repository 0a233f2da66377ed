// The folder that a workspace is, opened once: from the root of the machine, one name at a time, by handle.
//   R1. Each folder on the way is looked at by its identity once it is open: none of them may be masked, or the kernel's.
//   R2. A link on the way is followed only where whoever runs commands here cannot have made it: in the root of the machine, or in a
//       folder in which this user may not write. Any other link may have been put there by an agent, to send another one elsewhere.
//   R3. What is used afterwards is this handle: files are found below it (workspace.ts), and the sandbox mounts what it names.
import { accessSync, constants, readlinkSync } from 'node:fs'
import { asFailure, ToolFailure } from '../calls/outcome.ts'
import { type Guard, type Place, placesOf } from './guard.ts'
import { kernelLook } from './kernel-files.ts'
import { type Masks, masksOf } from './masks.ts'
import { detectOpener, type Node, type NodeOpener, type OpenerKind, openerOf, sameNode } from './node.ts'

const maxLinks = 40

export interface Root extends Disposable {
  readonly node: Node
  /** Absolute, without links: where it was when it was opened. */
  readonly path: string
  readonly masks: Masks
  readonly closed: readonly Place[]
}

export const hiddenWorkspace = (): ToolFailure =>
  new ToolFailure('refused', 'the workspace lies in a folder that no tool may see; give the agent another workspace')

/** Throws ToolFailure. `folder` is absolute. Whoever opens it disposes it. */
export function openRoot(folder: string, guard: Guard, kind: OpenerKind = detectOpener()): Root {
  const masks = masksOf(guard.masked)
  const closed = placesOf(guard.closed ?? [])
  const isKernels = kernelLook()
  try {
    const walked = walkTo(folder, openerOf(kind), (node) => {
      if (masks.hides(node.stat) || closed.some((place) => sameNode(place.stat, node.stat)) || isKernels(node))
        throw hiddenWorkspace()
    })
    const { node, path, dispose } = walked
    try {
      if (!node.stat.isDirectory()) throw new ToolFailure('failed', 'the workspace is not a folder')
      if (masks.hidesRoot(node.stat)) throw hiddenWorkspace()
    } catch (error) {
      dispose()
      throw error
    }
    return { node, path, masks, closed, [Symbol.dispose]: dispose }
  } catch (error) {
    throw asFailure(error, 'the workspace')
  }
}

/** What stands on the way to a folder, by identity, the folder itself last. Empty where it cannot be walked to. */
export function wayTo(folder: string): readonly Place[] {
  const way: Place[] = []
  try {
    const { dispose } = walkTo(folder, openerOf(detectOpener()), ({ stat, address }) => {
      way.push({ path: address, stat })
    })
    dispose()
    return way
  } catch {
    return []
  }
}

function walkTo(
  folder: string,
  opener: NodeOpener,
  look: (node: Node) => void,
): { readonly node: Node; readonly path: string; readonly dispose: () => void } {
  const nodes: Node[] = []
  const names: string[] = []
  // Those on the way stay open until the end: `..` of a link goes back to them.
  const dispose = () => {
    for (const node of nodes.splice(0)) node[Symbol.dispose]()
  }
  try {
    const top = opener.open('/')
    nodes.push(top)
    look(top)
    const queue = folder.split('/').filter((name) => name !== '' && name !== '.')
    let links = 0
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      if (name === '..') {
        if (names.length > 0) nodes.pop()?.[Symbol.dispose]()
        names.pop()
        continue
      }
      const parent = nodes.at(-1) ?? top
      const address = parent === top ? '' : parent.address
      const node = opener.open(`${address}/${name}`)
      if (!node.stat.isSymbolicLink()) {
        nodes.push(node)
        names.push(name)
        look(node)
        continue
      }
      node[Symbol.dispose]()
      if (parent !== top && mayWrite(parent)) throw throughLink([...names, name])
      links += 1
      if (links > maxLinks) throw new ToolFailure('failed', 'too many symbolic links')
      const target = readlinkSync(`${address}/${name}`)
      if (target.startsWith('/')) {
        for (const gone of nodes.splice(1)) gone[Symbol.dispose]()
        names.length = 0
      }
      queue.unshift(...target.split('/').filter((part) => part !== '' && part !== '.'))
    }
    const node = nodes.pop() ?? top
    for (const passed of nodes.splice(0)) passed[Symbol.dispose]()
    nodes.push(node)
    return { node, path: `/${names.join('/')}`, dispose }
  } catch (error) {
    dispose()
    throw error
  }
}

function mayWrite(folder: Node): boolean {
  try {
    accessSync(folder.address, constants.W_OK)
    return true
  } catch {
    return false
  }
}

const throughLink = (names: readonly string[]): ToolFailure =>
  new ToolFailure(
    'refused',
    `the way to the workspace goes through a symbolic link, /${names.join('/').slice(-200)}, which a command could have put there to lead elsewhere. Name the folder itself as the agent's workspace, without a link`,
  )
