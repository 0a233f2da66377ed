// The workspace of one command, opened and checked once, as the descriptors that its sandbox gets it by.
import { type BigIntStats, lstatSync } from 'node:fs'
import { ToolFailure } from '../calls/outcome.ts'
import { entriesOf, type Stray } from '../workspace/masks.ts'
import { detectOpener, sameNode } from '../workspace/node.ts'
import type { Place } from '../workspace/guard.ts'
import { type Root, wayTo } from '../workspace/root.ts'
import { filterFd, readyFd, type WorkspaceCheck } from './inside.ts'
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
  {
    descriptors,
    byFd,
    entrances,
  }: { readonly descriptors: readonly number[]; readonly byFd: boolean; readonly entrances: readonly number[] },
): {
  readonly handle: WorkspaceHandle
  readonly groups: readonly number[]
  readonly passed: ReadonlyMap<number, number>
} {
  const fd = Math.max(readyFd, ...descriptors) + 1
  const own = descriptorOf(node.address)
  const pinned = mounts.flatMap((mount) => {
    const isPin = mount.kind === 'writable' || mount.kind === 'read-only'
    if (!isPin || mount.path === path || !isWithin(mount.path, path)) return []
    const stat = lstatSync(`${node.address}/${mount.path.slice(path === '/' ? 1 : path.length + 1)}`, { bigint: true })
    return [{ path: mount.path, identity: `${stat.dev}:${stat.ino}` }]
  })
  const groups = freeNumbers([...descriptors, fd, ...(byFd ? [fd + 1] : [])], entrances.length)
  return {
    handle: { check: { fd, pinned }, bindFd: byFd ? fd + 1 : undefined },
    groups,
    passed: new Map([
      ...[[fd, own] as const, ...(byFd ? [[fd + 1, own] as const] : [])],
      ...groups.map((number, at) => [number, entrances[at] ?? 0] as const),
    ]),
  }
}

/** The lowest, since sh closes those of one digit alone. */
const freeNumbers = (taken: readonly number[], count: number): readonly number[] =>
  Array.from({ length: taken.length + count + 1 }, (_, at) => readyFd + 1 + at)
    .filter((number) => number !== filterFd && !taken.includes(number))
    .slice(0, count)

/** Where commands have no sandbox: as `handleOf`; nothing is checked where the system gives no handles. */
export function bareHandle(
  { node }: Root,
  descriptors: readonly number[],
  entrances: readonly number[],
): {
  readonly check: WorkspaceCheck | undefined
  readonly groups: readonly number[]
  readonly passed: ReadonlyMap<number, number>
} {
  const fd = Math.max(readyFd, ...descriptors) + 1
  const handles = detectOpener() === 'handles'
  const groups = freeNumbers([...descriptors, fd], entrances.length)
  return {
    check: handles ? { fd, pinned: [] } : undefined,
    groups,
    passed: new Map([
      ...(handles ? [[fd, descriptorOf(node.address)] as const] : []),
      ...groups.map((number, at) => [number, entrances[at] ?? 0] as const),
    ]),
  }
}

/** Of a handle's address, /proc/self/fd/N. */
const descriptorOf = (address: string): number => Number(address.slice(address.lastIndexOf('/') + 1))

/** Files of a workspace that are looked at where a file of a masked folder has a second name somewhere. */
const mostLookedAt = 50_000

/**
 * What must not be seen of a workspace: the masked and closed folders, pieces that were moved or mounted there, second names of their files;
 * also where the workspace, or a mount in it, shows under another path what holds one of them.
 */
export function hiddenIn({ path, node, masks, closed }: Root): readonly Stray[] {
  const mounts = readMountPoints().flatMap((point) => {
    if (point.path === path || !isWithin(point.path, path)) return []
    const stat = lstatSync(point.path, { bigint: true, throwIfNoEntry: false })
    return stat ? [{ path: point.path, stat }] : []
  })
  const pieces = mounts.flatMap((mount): readonly Stray[] =>
    masks.hidesRoot(mount.stat) ? [{ path: mount.path, kind: mount.stat.isDirectory() ? 'folder' : 'file' }] : [],
  )
  const strays = masks.strays()
  const folders = [...masks.places(), ...closed.map((place) => place.path)]
  const kept: readonly Stray[] = [
    ...folders.map((place): Stray => ({ path: place, kind: 'folder' })),
    ...strays,
    ...pieces,
  ]
  const shown = kept.flatMap((place) => underOtherPaths(place, [{ path, stat: node.stat }, ...mounts]))
  const hidden = [...kept, ...shown].filter((place) => isWithin(place.path, path))
  const linked = masks.linked().filter(({ dev }) => dev === node.stat.dev)
  return linked.length === 0 ? hidden : [...hidden, ...namesOf(path, linked, hidden)]
}

/** Where a folder or file is seen too, since one of these is the same as a folder on the way to it. */
function underOtherPaths({ path, kind }: Stray, seen: readonly Place[]): readonly Stray[] {
  const names = path.split('/').filter((name) => name !== '')
  const way = wayTo(path)
  return way.slice(0, -1).flatMap(({ stat }, depth) =>
    seen.flatMap((place): readonly Stray[] => {
      const at = `${place.path === '/' ? '' : place.path}/${names.slice(depth).join('/')}`
      return sameNode(place.stat, stat) && at !== path ? [{ path: at, kind }] : []
    }),
  )
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
