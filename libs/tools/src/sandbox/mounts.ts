// Which folders a sandboxed command sees, as a plan that each mechanism renders its own way. Reads the machine, changes nothing.
//   P1. Default deny: what is not planned does not exist in the sandbox. No home, no /var, no /run, no /root.
//   P2. Of /etc only what programs need to run stands in the plan: as root even /etc/shadow could be read.
//   P3. Masks come after what they cover; each folder between the workspace and a mask is a mount of its own, so that no
//       parent of a masked folder can be moved (a mount point cannot be renamed), which would uncover it for the next command.
//   P5. Pieces of what is masked that lie in the workspace are hidden where they are; the workspace itself is mounted by its handle.
//   P4. What must stay as it is (the guard's read-only places) is bound read-only over the workspace, or is the workspace itself,
//       and what may be changed all the same is bound over that: of two places the inner one says what holds.
import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Guard } from '../workspace/guard.ts'
import { mountsText, type Stray } from '../workspace/masks.ts'
import type { ShownFolder } from './sandbox.ts'

export type Mount =
  | { readonly kind: 'read-only'; readonly path: string }
  | { readonly kind: 'writable'; readonly path: string }
  /** Empty, writable, gone when the command ends. */
  | { readonly kind: 'scratch'; readonly path: string }
  | { readonly kind: 'hidden'; readonly path: string }
  | { readonly kind: 'hidden-file'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  /** A folder from elsewhere, read-only. */
  | { readonly kind: 'shown'; readonly path: string; readonly from: string }
  /** A small file or folder of /etc, read-only at `path`. */
  | { readonly kind: 'setting'; readonly path: string; readonly from: string }

export type MountPlan =
  | { readonly kind: 'plan'; readonly mounts: readonly Mount[] }
  | { readonly kind: 'refused'; readonly message: string }

const systemFolders = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/opt', '/nix/store']

const settings = [
  'alternatives',
  'bash.bashrc',
  'ca-certificates',
  'ca-certificates.conf',
  'crypto-policies',
  'debian_version',
  'fonts',
  'gai.conf',
  'gitconfig',
  'group',
  'host.conf',
  'hosts',
  'inputrc',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'locale.conf',
  'localtime',
  'lsb-release',
  'magic',
  'mime.types',
  'nsswitch.conf',
  'os-release',
  'passwd',
  'perl',
  'pki/ca-trust',
  'pki/tls/certs',
  'pki/tls/openssl.cnf',
  'protocols',
  'services',
  'ssl/cert.pem',
  'ssl/certs',
  'ssl/openssl.cnf',
  'terminfo',
  'timezone',
]

export interface MountRequest {
  readonly workspace: string
  readonly guard: Guard
  /** What is to be hidden besides: what is masked, where it is now, and pieces of it that lie elsewhere. Real paths. */
  readonly hidden?: readonly Stray[]
  readonly shown?: readonly ShownFolder[] | undefined
  readonly network: boolean
  /** Further folders to show read-only, such as the one that holds Node. */
  readonly readable: readonly string[]
}

/** Whether `path` is `folder` or lies below it. Both absolute and normalised. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`)
}

export function planMounts(request: MountRequest): MountPlan {
  const { workspace } = request
  const reserved = ['/usr', '/etc', '/proc', '/dev', '/sys', '/tmp'].find((folder) => isWithin(folder, workspace))
  const inner = ['/proc', '/dev', '/sys'].find((folder) => isWithin(workspace, folder))
  if (reserved !== undefined || inner !== undefined) {
    return {
      kind: 'refused',
      message: `the shell cannot use ${workspace} as its workspace: it holds, or lies in, the system's ${reserved ?? inner}. Give the agent a folder of its own as workspace`,
    }
  }
  const hidden = request.hidden ?? []
  const folders = [...request.guard.masked, ...(request.guard.closed ?? [])].flatMap((path) => realFolder(path) ?? [])
  const masked = [...new Set([...folders, ...hidden.flatMap(({ kind, path }) => (kind === 'folder' ? [path] : []))])]
  if (masked.some((folder) => isWithin(workspace, folder))) {
    return {
      kind: 'refused',
      message: 'the workspace lies in a folder that no tool may see. Give the agent another workspace',
    }
  }
  const mounts: Mount[] = []
  for (const path of systemFolders) {
    const link = linkTarget(path)
    if (link !== undefined) mounts.push({ kind: 'link', path, target: link })
    else if (realFolder(path) !== undefined) mounts.push({ kind: 'read-only', path })
  }
  for (const name of request.network ? [...settings, 'resolv.conf'] : settings) {
    const path = `/etc/${name}`
    if (existsSync(path)) mounts.push({ kind: 'setting', path, from: realpathSync(path) })
  }
  // One folder for both, so that they are bounded together.
  mounts.push({ kind: 'scratch', path: '/tmp' }, { kind: 'link', path: '/var/tmp', target: '/tmp' })
  const readable = request.readable.flatMap((folder) => realFolder(folder) ?? [])
  for (const path of readable)
    if (!isWithin(path, '/usr') && !isWithin(path, workspace)) mounts.push({ kind: 'read-only', path })
  for (const { from, at } of request.shown ?? []) {
    const real = realFolder(from)
    // The workspace is where it is, whatever else would like to be there.
    if (real !== undefined && !isWithin(workspace, at)) mounts.push({ kind: 'shown', path: at, from: real })
  }
  const places = guardedPlaces(request.guard, readable)
  const kindAt = (path: string) => places.findLast((place) => isWithin(path, place.path))?.kind ?? 'writable'
  mounts.push({ kind: kindAt(workspace), path: workspace })
  // P3. What lies in a folder that cannot be changed is moved by nobody.
  const pins = (inner: string): readonly Mount[] =>
    foldersBetween(workspace, inner).flatMap((path): Mount[] =>
      kindAt(path) === 'writable' ? [{ kind: 'writable', path }] : [],
    )
  for (const place of places) {
    if (place.path === workspace || !isWithin(place.path, workspace)) continue
    mounts.push(...pins(place.path), place)
  }
  const visible = mounts.flatMap((mount) =>
    mount.kind === 'read-only' || mount.kind === 'writable' ? [mount.path] : [],
  )
  for (const folder of masked.sort()) {
    if (!visible.some((path) => isWithin(folder, path))) continue
    if (isWithin(folder, workspace)) mounts.push(...pins(folder))
    mounts.push({ kind: 'hidden', path: folder })
  }
  for (const { kind, path } of hidden)
    if (kind === 'file' && visible.some((folder) => isWithin(path, folder))) mounts.push({ kind: 'hidden-file', path })
  return { kind: 'plan', mounts: withoutRepeats(mounts) }
}

/** P4. Outer ones first. */
function guardedPlaces(
  guard: Guard,
  readable: readonly string[],
): readonly { readonly kind: 'read-only' | 'writable'; readonly path: string }[] {
  const real = (folders: readonly string[]) => folders.flatMap((folder) => realFolder(folder) ?? [])
  return [
    ...[...real(guard.readOnly), ...readable].map((path) => ({ kind: 'read-only' as const, path })),
    ...real(guard.writable).map((path) => ({ kind: 'writable' as const, path })),
  ].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}

function withoutRepeats(mounts: readonly Mount[]): readonly Mount[] {
  const seen = new Set<string>()
  return mounts.filter((mount) => {
    const key = `${mount.kind} ${mount.path}`
    return !seen.has(key) && seen.add(key) !== undefined
  })
}

function foldersBetween(outer: string, inner: string): readonly string[] {
  const between: string[] = []
  for (let path = dirname(inner); path !== outer && isWithin(path, outer); path = dirname(path)) between.unshift(path)
  return between
}

function realFolder(path: string): string | undefined {
  try {
    const real = realpathSync(path)
    return statSync(real).isDirectory() ? real : undefined
  } catch {
    return undefined
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined
  } catch {
    return undefined
  }
}

export interface MountPoint {
  readonly path: string
  /** Of nosuid, nodev, noexec, those in force. A remount in a user namespace may not drop one. */
  readonly flags: readonly string[]
}

/** The mounts of this process, from /proc/self/mountinfo (proc(5)); empty where there is none. */
export function readMountPoints(): readonly MountPoint[] {
  return mountsText()
    .split('\n')
    .flatMap((line) => {
      const [, , , , path, options] = line.split(' ')
      if (path === undefined || options === undefined) return []
      const flags = options.split(',').filter((option) => ['nosuid', 'nodev', 'noexec'].includes(option))
      return [
        {
          path: path.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))),
          flags,
        },
      ]
    })
}
