// The workspace of one command, opened and checked once, as the descriptors that its sandbox gets it by.
import { type BigIntStats, lstatSync } from 'node:fs'
import { ToolFailure } from '../calls/outcome.ts'
import { entriesOf, type Stray } from '../workspace/masks.ts'
import { detectOpener, sameNode } from '../workspace/node.ts'
import type { Root } from '../workspace/root.ts'
import { readyFd, type WorkspaceCheck } from './inside.ts'
import { isWithin, type Mount, readMountPoints } from './mounts.ts'

export interface WorkspaceHandle {
  readonly check: WorkspaceCheck
  /** Of a bubblewrap that mounts by descriptors, and closes the one that it gets. */
  readonly bindFd: number | undefined
}

/** The numbers of the workspace's descriptors at the command, behind those that are its own, and what is to be checked there. */
export function handleOf(
  { node, path }: Root,
  mounts: readonly Mount[],
  descriptors: readonly number[],
  byFd: boolean,
): { readonly handle: WorkspaceHandle; readonly passed: ReadonlyMap<number, number> } {
  const fd = Math.max(readyFd, ...descriptors) + 1
  const own = descriptorOf(node.address)
  const pinned = mounts.flatMap((mount) => {
    const isPin = mount.kind === 'writable' || mount.kind === 'read-only'
    if (!isPin || mount.path === path || !isWithin(mount.path, path)) return []
    const stat = lstatSync(`${node.address}/${mount.path.slice(path === '/' ? 1 : path.length + 1)}`, { bigint: true })
    return [{ path: mount.path, identity: `${stat.dev}:${stat.ino}` }]
  })
  return {
    handle: { check: { fd, pinned }, bindFd: byFd ? fd + 1 : undefined },
    passed: new Map([[fd, own], ...(byFd ? [[fd + 1, own] as const] : [])]),
  }
}

/** Where commands have no sandbox: as `handleOf`; undefined where the system gives no handles. */
export function bareCheck(
  { node }: Root,
  descriptors: readonly number[],
): { readonly check: WorkspaceCheck; readonly passed: ReadonlyMap<number, number> } | undefined {
  if (detectOpener() !== 'handles') return undefined
  const fd = Math.max(readyFd, ...descriptors) + 1
  return { check: { fd, pinned: [] }, passed: new Map([[fd, descriptorOf(node.address)]]) }
}

/** Of a handle's address, /proc/self/fd/N. */
const descriptorOf = (address: string): number => Number(address.slice(address.lastIndexOf('/') + 1))

/** Files of a workspace that are looked at where a file of a masked folder has a second name somewhere. */
const mostLookedAt = 200_000

/** What of the masked folders lies in a workspace: they themselves, pieces that were moved or mounted there, second names of their files. */
export function hiddenIn({ path, node, masks }: Root): readonly Stray[] {
  const inside = (place: Stray) => isWithin(place.path, path)
  const mounted = readMountPoints().flatMap((point): readonly Stray[] => {
    if (point.path === path || !isWithin(point.path, path)) return []
    const stat = lstatSync(point.path, { bigint: true, throwIfNoEntry: false })
    if (!stat || !masks.hidesRoot(stat)) return []
    return [{ path: point.path, kind: stat.isDirectory() ? 'folder' : 'file' }]
  })
  const tops = masks.places().map((place): Stray => ({ path: place, kind: 'folder' }))
  const linked = masks.linked().filter(({ dev }) => dev === node.stat.dev)
  const named = linked.length === 0 ? [] : namesOf(path, linked, [...tops, ...masks.strays()])
  return [...[...tops, ...masks.strays(), ...mounted].filter(inside), ...named]
}

/** Where in a folder files have a further name. */
function namesOf(folder: string, files: readonly BigIntStats[], hidden: readonly Stray[]): readonly Stray[] {
  const found: Stray[] = []
  const folders = [folder]
  let left = mostLookedAt
  for (const at of folders) {
    for (const entry of entriesOf(at)) {
      const path = `${at === '/' ? '' : at}/${entry.name}`
      if (hidden.some((place) => place.path === path)) continue
      if (entry.isDirectory()) folders.push(path)
      if (!entry.isFile()) continue
      left -= 1
      if (left === 0)
        throw new ToolFailure(
          'refused',
          "a file of Reins' own data has a second name somewhere, and the workspace has too many files to be searched for it",
        )
      const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
      if (stat && files.some((file) => sameNode(file, stat))) found.push({ path, kind: 'file' })
    }
  }
  return found
}
