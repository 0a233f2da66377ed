// What no tool may see, by identity: the masked folders, and everything that lies in them, under whatever name it is found.
//   M1. A masked folder is held open from the first look on, so that it is known where it is when it is moved.
//   M2. Of what lies in it device, inode and time of birth are kept, so that a piece which was moved out, linked or mounted elsewhere
//       is known there too. An inode that is given to another file has another time of birth. Where a file system tells none,
//       a piece counts only as long as it was there at the last look.
//   M3. It is looked through again when the folder itself has changed, when something was mounted, and when a file with several names
//       turns up that is not known: nothing else brings a piece to a workspace, and no tool can do any of these.
//       To give a file a further name, or to move it, sets the time of its last change: one that is older than the last look is no
//       new piece. Package managers make thousands of files with several names, and each of them must not cost a look.
//   M4. At most `mostEntries` entries of a folder are kept, those near its top first.
import {
  type BigIntStats,
  type Dirent,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { detectOpener, type Node, openerOf, sameNode } from './node.ts'

const mostEntries = 50_000
/** Pieces that are held open, so that a sandbox is told where they went. */
const mostHeld = 256
const mostCleared = 100_000
const mountsMs = 1000
/** How far the times of a file may lie behind this process's clock, in ms: by the kernel's own steps, or by another machine's clock. */
const behindMs = { here: 2000n, elsewhere: 3_600_000n }
/** ext, tmpfs, xfs, btrfs, overlay, f2fs and zfs, as statfs names them: this kernel's clock sets their times. */
const here = new Set([0xef53, 0x1021994, 0x58465342, 0x9123683e, 0x794c7630, 0xf2f52010, 0x2fc12fc1])
/** By which a clock may be set without that it counts as another one, in ms. */
const sameClockMs = 500

export interface Stray {
  readonly path: string
  readonly kind: 'folder' | 'file'
}

interface Piece {
  readonly dev: bigint
  readonly born: bigint
  readonly look: number
}

interface Top {
  readonly node: Node
  changed: bigint
}

type Identity = Pick<BigIntStats, 'dev' | 'ino' | 'birthtimeNs'>

export class Masks {
  readonly #paths: readonly string[]
  readonly #tops = new Map<string, Top>()
  readonly #pieces = new Map<bigint, Piece[]>()
  readonly #now: () => number
  #count = 0
  #look = 0
  /** When the last look began, on the clock that was then. */
  #looked: { readonly at: number; readonly clock: number; readonly behindMs: bigint } | undefined
  /** Where files of several names lay in the masked folders at the last look. */
  #linked: string[] = []
  /** With several names, or as a workspace: known to be no piece. */
  readonly #cleared = new Set<string>()
  #held: Map<string, { readonly node: Node; readonly folder: boolean }> | undefined
  #mounts = ''
  #mountsAt = Number.NEGATIVE_INFINITY

  /** Absolute paths; what is not there is nothing to hide. `now` in ms since 1970. */
  constructor(paths: readonly string[], now: () => number = Date.now) {
    this.#paths = paths
    this.#now = now
  }

  /** How often the masked folders were looked through. */
  get looks(): number {
    return this.#look
  }

  /** Before a call: what has moved, come or been mounted since the last one (M3). */
  refresh(): void {
    let again = this.#hasMounted()
    for (const path of this.#paths) {
      const there = statSync(path, { bigint: true, throwIfNoEntry: false })
      const top = this.#tops.get(path)
      if (there && (!top || !sameNode(top.node.stat, there))) again = this.#hold(path) || again
    }
    for (const top of this.#tops.values()) {
      const { mtimeNs } = statSync(top.node.address, { bigint: true, throwIfNoEntry: false }) ?? { mtimeNs: -1n }
      again ||= mtimeNs !== top.changed
      top.changed = mtimeNs
    }
    if (again) this.#lookThrough()
  }

  /** The masked folders, where they are now. Absolute. */
  places(): readonly string[] {
    return [...this.#tops.values()].flatMap(({ node }) => whereIs(node) ?? [])
  }

  /** Whether a file or folder is masked, or a piece of what is. */
  hides(stat: BigIntStats): boolean {
    for (const { node } of this.#tops.values()) if (sameNode(node.stat, stat)) return true
    if (this.#isPiece(stat)) return true
    // M3. A piece of a masked folder that has come since, and has a second name elsewhere.
    return stat.nlink > 1n && stat.isFile() && !this.#isOlderThanLook(stat) && this.#isNewPiece(stat)
  }

  /** As `hides`, for a folder that becomes a workspace: it may be a piece that came since the last look. */
  hidesRoot(stat: BigIntStats): boolean {
    return this.hides(stat) || this.#isNewPiece(stat)
  }

  /** What is masked and is not where it was: it itself, and its pieces. For `alsoMask` of another process. */
  moved(): readonly string[] {
    return [...this.places(), ...this.strays().map(({ path }) => path)].filter((path) => !this.#paths.includes(path))
  }

  /** Pieces that lie elsewhere, as far as they are held open. Of a process that holds none: none. */
  strays(): readonly Stray[] {
    const tops = this.places()
    const strays: Stray[] = []
    for (const [key, { node, folder }] of this.#held ?? []) {
      const path = whereIs(node)
      if (path === undefined) {
        node[Symbol.dispose]()
        this.#held?.delete(key)
      } else if (!tops.some((top) => path.startsWith(`${top}/`)))
        strays.push({ path, kind: folder ? 'folder' : 'file' })
    }
    return strays
  }

  /** From now on pieces are held open, so that `strays` knows where they go. */
  holdPieces(): void {
    if (this.#held || detectOpener() === 'paths') return
    this.#held = new Map()
    const { looks } = this
    this.refresh()
    if (this.looks === looks) this.#lookThrough()
  }

  /** Files of the masked folders that have a further name now, as far as they are held open, or had one at the last look. */
  linked(): readonly BigIntStats[] {
    const held = [...(this.#held?.values() ?? [])].filter(({ folder }) => !folder)
    const stats = [
      ...held.map(({ node }) => statSync(node.address, { bigint: true, throwIfNoEntry: false })),
      ...this.#linked.map((path) => lstatSync(path, { bigint: true, throwIfNoEntry: false })),
    ]
    return stats.flatMap((stat) => (stat && stat.nlink > 1n ? [stat] : []))
  }

  /** Asked at most once in `mountsMs`: it costs more than all else that a call to a file does. */
  #hasMounted(): boolean {
    const now = performance.now()
    if (now - this.#mountsAt < mountsMs) return false
    this.#mountsAt = now
    const mounts = mountsText()
    const changed = mounts !== this.#mounts
    this.#mounts = mounts
    return changed
  }

  #hold(path: string): boolean {
    try {
      this.#tops.get(path)?.node[Symbol.dispose]()
      this.#tops.delete(path)
      const opener = openerOf(detectOpener())
      let node = opener.open(path)
      if (node.stat.isSymbolicLink()) {
        const to = opener.open(`${node.address}/.`)
        node[Symbol.dispose]()
        node = to
      }
      this.#tops.set(path, { node, changed: -1n })
      return true
    } catch {
      return false
    }
  }

  #isPiece({ dev, ino, birthtimeNs }: Identity): boolean {
    return (
      this.#pieces
        .get(ino)
        ?.some((one) => one.dev === dev && one.born === birthtimeNs && (one.born !== 0n || one.look === this.#look)) ??
      false
    )
  }

  #isNewPiece(stat: BigIntStats): boolean {
    if (this.#tops.size === 0) return false
    const key = `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`
    if (this.#cleared.has(key)) return false
    this.#lookThrough()
    if (this.#isPiece(stat)) return true
    if (this.#cleared.size >= mostCleared) this.#cleared.clear()
    this.#cleared.add(key)
    return false
  }

  /** M3. */
  #isOlderThanLook({ ctimeNs }: BigIntStats): boolean {
    if (!this.#looked) return false
    const { at, clock, behindMs } = this.#looked
    return Math.abs(this.#clock() - clock) < sameClockMs && ctimeNs / 1_000_000n < BigInt(Math.floor(at)) - behindMs
  }

  /** Stays the same until somebody sets this machine's clock. */
  #clock(): number {
    return this.#now() - performance.now()
  }

  /** M2, M4. */
  #lookThrough(): void {
    this.#look += 1
    const isHere = [...this.#tops.values()].every(({ node }) => here.has(fileSystemOf(node)))
    const looked = { at: this.#now(), clock: this.#clock(), behindMs: isHere ? behindMs.here : behindMs.elsewhere }
    this.#looked = undefined
    this.#linked = []
    if (this.#count > 2 * mostEntries) {
      this.#pieces.clear()
      this.#count = 0
    }
    for (const { node } of this.#tops.values()) this.#lookThroughOne(node)
    this.#looked = looked
  }

  #lookThroughOne(top: Node): void {
    const folders: string[] = [top.address]
    let left = mostEntries
    for (const folder of folders) {
      for (const entry of entriesOf(folder)) {
        if (left === 0) return
        left -= 1
        const path = `${folder}/${entry.name}`
        const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
        if (!stat || stat.isSymbolicLink()) continue
        this.#remember(stat)
        if (stat.isDirectory()) folders.push(path)
        else if (stat.nlink > 1n) this.#linked.push(path)
        if (stat.isDirectory() || folder === top.address) this.#holdPiece(path, stat)
      }
    }
  }

  #remember({ dev, ino, birthtimeNs }: Identity): void {
    const known = this.#pieces.get(ino) ?? []
    const others = known.filter((one) => one.dev !== dev || one.born !== birthtimeNs)
    if (others.length === known.length) this.#count += 1
    this.#pieces.set(ino, [...others, { dev, born: birthtimeNs, look: this.#look }])
  }

  #holdPiece(path: string, { dev, ino }: Identity): void {
    const key = `${dev}:${ino}`
    if (!this.#held || this.#held.has(key) || this.#held.size >= mostHeld) return
    try {
      const node = openerOf(detectOpener()).open(path)
      if (node.stat.dev === dev && node.stat.ino === ino) this.#held.set(key, { node, folder: node.stat.isDirectory() })
      else node[Symbol.dispose]()
    } catch {
      // Gone meanwhile.
    }
  }
}

const kept = new Map<string, Masks>()
const mostKept = 100

/** Where another process knows that something masked has gone. */
let moved: readonly string[] = []

/** For a process that begins later than what was moved: these are masked too from now on. */
export function alsoMask(paths: readonly string[]): void {
  moved = paths
}

/** Those of this process, refreshed. They are held for as long as it lives. */
export function masksOf(given: readonly string[]): Masks {
  const masks = masksHere(given)
  masks.refresh()
  return masks
}

/** From here on it is known where pieces of what is masked go. One look does: it takes longer than all else that a tool-runner starts with. */
export function holdPiecesOf(given: readonly string[]): void {
  const masks = masksHere(given)
  masks.holdPieces()
  masks.refresh()
}

function masksHere(given: readonly string[]): Masks {
  const paths = [...given, ...moved]
  const key = paths.join('\0')
  let masks = kept.get(key)
  if (!masks) {
    // A service has one list of masked folders, or a few.
    if (kept.size >= mostKept) kept.delete(kept.keys().next().value ?? '')
    masks = new Masks(paths)
    kept.set(key, masks)
  }
  return masks
}

/** None where it cannot be read. */
export function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}

/** As statfs names it; 0 where it does not tell. */
function fileSystemOf(node: Node): number {
  try {
    return statfsSync(node.address).type
  } catch {
    return 0
  }
}

/** undefined: it is nowhere any more. */
function whereIs(node: Node): string | undefined {
  if (!node.address.startsWith('/proc/self/fd/')) return node.address
  try {
    const path = readlinkSync(node.address)
    const there = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    return there && sameNode(there, node.stat) ? path : undefined
  } catch {
    return undefined
  }
}

/** The mounts of this process, as the kernel tells them; empty where it does not. */
export function mountsText(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8')
  } catch {
    return ''
  }
}
