// One file, folder or link, held open while it is looked at, so that what was checked is what is used.
//   H1. On Linux a node is an O_PATH handle: opening one neither follows a link, nor reads, nor blocks on a FIFO, nor needs
//       permission to read. Its name /proc/self/fd/N leads to that very inode whatever happens to the path meanwhile:
//       `/proc/self/fd/N/name` is openat(N, name), and opening `/proc/self/fd/N` opens what was checked.
//   H2. Elsewhere a node is a path and the identity (device, inode) that it had when it was looked at. Opening checks after the
//       fact that the path still resolves to itself and that the opened file is the one there: a swap is found before a byte is
//       used, unless it is undone and done again between two of these checks. Creating and listing have a window that stays.
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
} from 'node:fs'
import { ToolFailure } from '../calls/outcome.ts'

export interface Node extends Disposable {
  /** A path that leads to this very node; append `/name` for an entry of a folder. Valid until disposed. */
  readonly address: string
  readonly stat: BigIntStats
}

export interface NodeOpener {
  /** The absolute real path of a node, for a lock's key; not for opening. */
  real(node: Node): string
  /** Throws ENOENT where there is none. Does not follow a link. */
  open(address: string | Buffer): Node
  /** The file's contents, for reading: a descriptor that the caller closes. Regular files only. */
  read(node: Node): number
}

// Linux's value on every architecture that Node runs on; fs.constants does not name it.
const O_PATH = 0o10000000

const handles: NodeOpener = {
  real: (node) => readlinkSync(node.address),
  open(address) {
    const fd = openSync(address, O_PATH | constants.O_NOFOLLOW)
    const close = () => closeSync(fd)
    try {
      return { address: `/proc/self/fd/${fd}`, stat: fstatSync(fd, { bigint: true }), [Symbol.dispose]: close }
    } catch (error) {
      close()
      throw error
    }
  },
  read(node) {
    // H1: the handle's own link is followed, to the inode that `stat` describes.
    return openSync(node.address, constants.O_RDONLY | constants.O_NONBLOCK)
  },
}

const paths: NodeOpener = {
  real: (node) => realpathSync(node.address),
  open(address) {
    // Where a node is a path, one that is no UTF-8 is none.
    if (typeof address !== 'string') throw new ToolFailure('failed', 'its name is no UTF-8')
    return { address, stat: lstatSync(address, { bigint: true }), [Symbol.dispose]: () => {} }
  },
  read(node) {
    const fd = openSync(node.address, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    try {
      const opened = fstatSync(fd, { bigint: true })
      const inPlace =
        realpathSync(node.address) === node.address && sameNode(lstatSync(node.address, { bigint: true }), opened)
      if (!inPlace || !sameNode(opened, node.stat)) {
        throw new ToolFailure('failed', 'the file was replaced while it was opened; try again')
      }
      return fd
    } catch (error) {
      closeSync(fd)
      throw error
    }
  },
}

export function sameNode(a: { dev: bigint; ino: bigint }, b: { dev: bigint; ino: bigint }): boolean {
  return a.dev === b.dev && a.ino === b.ino
}

export type OpenerKind = 'handles' | 'paths'

let detected: OpenerKind | undefined

/** The strongest way of this machine, by trying it once. */
export function detectOpener(): OpenerKind {
  detected ??= tryOpeners()
  return detected
}

function tryOpeners(): OpenerKind {
  if (process.platform !== 'linux') return 'paths'
  try {
    using root = handles.open('/')
    return sameNode(root.stat, lstatSync(`${root.address}/.`, { bigint: true })) ? 'handles' : 'paths'
  } catch {
    return 'paths'
  }
}

export function openerOf(kind: OpenerKind): NodeOpener {
  switch (kind) {
    case 'handles':
      return handles
    case 'paths':
      return paths
    default:
      return kind satisfies never
  }
}
