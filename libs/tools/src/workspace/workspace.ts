// A folder out of which no path leads. Every file tool reaches files through here, and in no other way.
//   W1. A path is walked one name at a time from the open root; each step is checked on what was opened, not on a name (node.ts).
//   W2. `..` goes back on the way that was come, never above the root. Links are followed by walking their target here.
//   W3. A masked folder, and whatever lies in it, is known by its identity (masks.ts): it is refused under any name, and hidden in lists.
//   W4. Whoever gets a Found disposes it.
//   W6. Nothing is changed in a place that must stay as it is (guard.ts): said of each file or folder that is opened on the way to it.
//   W5. What the kernel shows as files (/proc, /sys) is hidden like a masked folder, wherever it is mounted: it holds the environment
//       of this process and of others, with their secrets, and controls of the machine.
import { type BigIntStats, lstatSync, mkdirSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { asFailure, ToolFailure } from '../calls/outcome.ts'
import { escapedName, shownName } from './entry-name.ts'
import { type Guard, isPlace, type Place, placesOf } from './guard.ts'
import { kernelLook } from './kernel-files.ts'
import type { Masks } from './masks.ts'
import { detectOpener, type Node, type NodeOpener, type OpenerKind, openerOf } from './node.ts'
import { openRoot } from './root.ts'

const maxDepth = 128
const maxLinks = 40

/** What a path leads to. `relative` is the real place, '/'-separated, '' for the workspace itself. */
export type Found = Disposable &
  (
    | {
        readonly kind: 'file' | 'folder' | 'special'
        readonly relative: string
        readonly name: string
        readonly node: Node
        readonly parent: Node
      }
    | { readonly kind: 'missing'; readonly relative: string; readonly name: string; readonly parent: Node }
  )

export interface Entry extends Disposable {
  readonly name: string
  readonly kind: 'file' | 'folder' | 'special'
  /** Reached by a symbolic link: followed for files, never entered as a folder (a walk would not end). */
  readonly link: boolean
  readonly node: Node
}

export class Workspace implements Disposable {
  readonly #opener: NodeOpener
  readonly #root: Node
  readonly #names: readonly string[]
  readonly #masks: Masks
  readonly #closed: readonly Place[]
  readonly #guard: Guard
  readonly #real: string
  /** W6: looked for when the first change is asked for. */
  #kept:
    | { readonly readOnly: readonly Place[]; readonly writable: readonly Place[]; readonly root: boolean }
    | undefined
  /** W5. */
  readonly #isKernels = kernelLook()

  /** Opens it (root.ts). Throws ToolFailure where it is missing, no folder, behind a link, or inside a masked folder. Whoever opens it disposes it. */
  constructor(folder: string, guard: Guard, opener: OpenerKind = detectOpener()) {
    this.#guard = guard
    this.#opener = openerOf(opener)
    const { node, path, masks, closed } = openRoot(folder, guard, opener)
    this.#root = node
    this.#real = path
    this.#masks = masks
    this.#closed = closed
    this.#names = [...new Set([path, folder.replace(/\/+$/, '') || '/'])]
  }

  [Symbol.dispose](): void {
    this.#root[Symbol.dispose]()
  }

  /**
   * Walks to `path` (relative, or absolute below the workspace). `change`: to write there, which is refused where nothing may be
   * changed (W6). `create`: and missing folders on the way are made.
   */
  locate(path: string, options: { readonly change?: boolean; readonly create?: boolean } = {}): Found {
    if (path.includes('\0')) throw new ToolFailure('invalid-arguments', 'a path must not contain a NUL character')
    const shown = path.length > 200 ? `${path.slice(0, 200)}…` : path
    const nodes: Node[] = []
    const names: string[] = []
    const release = () => {
      for (const node of nodes.splice(0)) node[Symbol.dispose]()
    }
    const goUp = () => {
      names.pop()
      nodes.pop()?.[Symbol.dispose]()
    }
    const top = () => nodes.at(-1) ?? this.#root
    const queue = this.#split(path, shown)
    let links = 0
    let lost = 0
    try {
      for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
        if (name === '..') {
          if (names.length === 0) throw escapes(shown)
          goUp()
          continue
        }
        if (names.length >= maxDepth) throw tooDeep(shown)
        const parent = top()
        const node = this.#openEntry(parent, name)
        const relative = [...names, name].join('/')
        if (node === undefined) {
          if (options.change === true) this.#mayChange(nodes, shown)
          if (queue.every((rest) => rest === '..'))
            return { kind: 'missing', relative, name, parent, [Symbol.dispose]: release }
          if (options.create !== true) throw new ToolFailure('not-found', `no such file or directory: ${shown}`)
          // Who removes it again and again meanwhile gets an error, not an endless loop.
          lost += 1
          canBeMade(names.length + 1, queue, shown)
          if (lost > maxDepth * 2) throw new ToolFailure('failed', `changed while it was opened: ${shown}`)
          makeFolder(`${parent.address}/${name}`)
          queue.unshift(name)
          continue
        }
        nodes.push(node)
        names.push(name)
        if (node.stat.isSymbolicLink()) {
          goUp()
          links += 1
          if (links > maxLinks) throw new ToolFailure('failed', `too many symbolic links: ${shown}`)
          const target = readLink(parent, name)
          if (target === undefined) queue.unshift(name)
          else {
            if (target.startsWith('/')) while (names.length > 0) goUp()
            queue.unshift(...this.#split(target, shown))
          }
        } else if (this.#isHidden(node)) {
          throw new ToolFailure('refused', `no tool may see what this leads to: ${shown}`)
        } else if (!node.stat.isDirectory() && queue.length > 0) {
          throw new ToolFailure('failed', `not a directory: ${relative}`)
        }
      }
      if (options.change === true) this.#mayChange(nodes, shown)
      const parent = nodes.at(-2) ?? this.#root
      return {
        kind: kindOf(top()),
        relative: names.join('/'),
        name: names.at(-1) ?? '',
        node: top(),
        parent,
        [Symbol.dispose]: release,
      }
    } catch (error) {
      release()
      throw asFailure(error, shown)
    }
  }

  /** W6, for what these nodes lead to from the root. Throws ToolFailure. */
  #mayChange(nodes: readonly Node[], shown: string): void {
    this.#kept ??= this.#lookForKept()
    const { readOnly, writable, root } = this.#kept
    const kept = nodes.reduce((outer, { stat }) => holds(outer, stat, readOnly, writable), root)
    if (kept)
      throw new ToolFailure('refused', `no tool may change what lies here, since Reins itself runs from it: ${shown}`)
  }

  #lookForKept() {
    const readOnly = placesOf(this.#guard.readOnly)
    const writable = placesOf(this.#guard.writable)
    let root = false
    const names = this.#real.split('/').filter((name) => name !== '')
    for (let depth = 0; depth <= names.length; depth += 1) {
      const stat = statSync(`/${names.slice(0, depth).join('/')}`, { bigint: true, throwIfNoEntry: false })
      if (stat) root = holds(root, stat, readOnly, writable)
    }
    return { readOnly, writable, root }
  }

  /** A folder's entries in the order of their names, opened one at a time and disposed by this when the next is asked for. Hides what must not be seen. */
  *entries(folder: Node, relative: string): Generator<Entry> {
    for (const name of this.names(folder)) {
      const node = this.#openEntry(folder, name)
      if (node === undefined) continue
      using opened = node
      if (!opened.stat.isSymbolicLink()) {
        if (this.#isHidden(opened)) continue
        yield { name, kind: kindOf(opened), link: false, node: opened, [Symbol.dispose]: () => {} }
        continue
      }
      using found = this.#follow(relative === '' ? name : `${relative}/${name}`)
      if (found === undefined || found.kind === 'missing') continue
      yield { name, kind: found.kind, link: true, node: found.node, [Symbol.dispose]: () => {} }
    }
  }

  /** The names in a folder as they are shown, sorted by code units. */
  names(folder: Node): readonly string[] {
    const names = readdirSync(folder.address)
    if (!names.some((name) => name.includes('\ufffd'))) return names.sort()
    return readdirSync(folder.address, { encoding: 'buffer' }).map(shownName).sort()
  }

  /** A descriptor for reading, which the caller closes. Anything but a regular file is refused before it is touched. */
  openFile(found: Found): number {
    if (found.kind === 'missing') throw new ToolFailure('not-found', `no such file: ${found.relative}`)
    if (found.kind === 'folder') throw new ToolFailure('failed', `is a directory, not a file: ${found.relative || '.'}`)
    if (found.kind === 'special')
      throw new ToolFailure('failed', `is not a regular file (a device, pipe or socket): ${found.relative}`)
    try {
      return this.#opener.read(found.node)
    } catch (error) {
      throw asFailure(error, found.relative)
    }
  }

  readEntry(node: Node): number {
    return this.#opener.read(node)
  }

  /** Identifies a place for a lock: the same for every way that leads to it. */
  lockKey(found: Found): string {
    return `${this.#opener.real(found.parent)}/${found.name}`
  }

  /** Undefined for what leads out of the workspace, is masked, or is dangling. */
  #follow(relative: string): Found | undefined {
    try {
      return this.locate(relative)
    } catch (error) {
      if (error instanceof ToolFailure) return undefined
      throw error
    }
  }

  #openEntry(folder: Node, name: string): Node | undefined {
    try {
      return this.#opener.open(`${folder.address}/${name}`)
    } catch (error) {
      if (!isCode(error, 'ENOENT')) throw error
      const escaped = escapedName(name)
      return escaped && this.#openEscaped(folder, escaped)
    }
  }

  /** A name that is no UTF-8. */
  #openEscaped(folder: Node, name: Buffer): Node | undefined {
    try {
      return this.#opener.open(Buffer.concat([Buffer.from(`${folder.address}/`), name]))
    } catch (error) {
      if (isCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  #isHidden(node: Node): boolean {
    return this.#isKernels(node) || this.#masks.hides(node.stat) || isPlace(this.#closed, node.stat)
  }

  #split(path: string, shown: string): string[] {
    let relative = path
    if (path.startsWith('/')) {
      const base = this.#names.find((name) => path === name || path.startsWith(name === '/' ? '/' : `${name}/`))
      if (base === undefined) throw escapes(shown)
      relative = path.slice(base.length)
    }
    return relative.split('/').filter((name) => name !== '' && name !== '.')
  }
}

/** Whether a place that lies in `outer` must stay as it is. */
function holds(outer: boolean, stat: BigIntStats, readOnly: readonly Place[], writable: readonly Place[]): boolean {
  if (isPlace(readOnly, stat)) return true
  return outer && !isPlace(writable, stat)
}

const tooDeep = (shown: string): ToolFailure =>
  new ToolFailure('invalid-arguments', `path is more than ${maxDepth} folders deep: ${shown}`)

/** As file systems count, in bytes. */
const longestName = 255

/** Before the first missing folder is made: a call that is refused leaves none behind. `depth`: of that one; `rest`: below it. */
function canBeMade(depth: number, rest: readonly string[], shown: string): void {
  let at = depth
  for (const name of rest) {
    at += name === '..' ? -1 : 1
    if (at > maxDepth) throw tooDeep(shown)
    if (Buffer.byteLength(name) > longestName)
      throw new ToolFailure('invalid-arguments', `${shown}: the name is too long`)
  }
}

function escapes(shown: string): ToolFailure {
  return new ToolFailure(
    'refused',
    `path escapes workspace boundary: ${shown}. Use a path inside the workspace, relative to it`,
  )
}

function kindOf(node: Node): 'file' | 'folder' | 'special' {
  if (node.stat.isDirectory()) return 'folder'
  return node.stat.isFile() ? 'file' : 'special'
}

function makeFolder(address: string): void {
  try {
    mkdirSync(address)
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
  }
}

function readLink(folder: Node, name: string): string | undefined {
  try {
    return shownName(readlinkSync(entryAddress(folder, name), { encoding: 'buffer' }))
  } catch (error) {
    // No link any more: look again.
    if (isCode(error, 'EINVAL') || isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Where an entry that is there stands: by its name, or by the bytes that the name shows. */
export function entryAddress(folder: Node, name: string): string | Buffer {
  const address = `${folder.address}/${name}`
  const escaped = escapedName(name)
  if (escaped === undefined || lstatSync(address, { throwIfNoEntry: false })) return address
  return Buffer.concat([Buffer.from(`${folder.address}/`), escaped])
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
