// A mount plan as arguments of bubblewrap (bwrap(1)).

import type { WorkspaceHandle } from './handle.ts'
import { filterFd, insideProgram, machineControls, shareOfShm } from './inside.ts'
import type { Mount } from './mounts.ts'

export interface BubblewrapOptions {
  readonly network: boolean
  /** A user namespace in which no further one can be made, and a size on what lies in memory: bubblewrap 0.8 and newer. */
  readonly hardened: boolean
  readonly workspace: string
  /** Of each folder that lies in memory. */
  readonly scratch: number
  /** Whether a filter of system calls comes on `filterFd`. */
  readonly filtered: boolean
  readonly shell: string
  /** Descriptors that are the command's. */
  readonly descriptors: readonly number[]
  readonly groups: readonly number[]
  readonly handle: WorkspaceHandle
}

export function bubblewrapArguments(
  mounts: readonly Mount[],
  options: BubblewrapOptions,
  argv: readonly string[],
): readonly string[] {
  const sized = (bytes: number) => (options.hardened ? ['--size', String(bytes)] : [])
  const shm = shareOfShm(options.scratch)
  const size = sized(options.scratch - shm)
  const args = [
    '--die-with-parent',
    '--unshare-pid',
    '--unshare-ipc',
    '--unshare-uts',
    '--unshare-cgroup-try',
    '--cap-drop',
    'ALL',
  ]
  if (options.hardened) args.push('--unshare-user', '--disable-userns')
  if (options.filtered) args.push('--seccomp', String(filterFd))
  if (!options.network) args.push('--unshare-net')
  args.push('--proc', '/proc', '--dev', '/dev')
  // bubblewrap covers these itself only where it may write to the folder, which says nothing of the files in it.
  for (const path of machineControls) args.push('--ro-bind-try', path, path)
  args.push(...render({ kind: 'scratch', path: '/dev/shm' }, sized(shm), options), '--remount-ro', '/dev')
  for (const mount of mounts) args.push(...render(mount, size, options))
  args.push('--remount-ro', '/', '--chdir', options.workspace)
  const { shell, descriptors: kept, groups, handle } = options
  return [...args, '--', ...insideProgram({ shell, first: false, kept, groups, workspace: handle.check }), ...argv]
}

/** `size`: how large a scratch folder may get. */
function render(
  mount: Mount,
  size: readonly string[],
  { workspace, handle }: Pick<BubblewrapOptions, 'workspace' | 'handle'>,
): readonly string[] {
  // An older bubblewrap finds the path to the handle's folder by itself: what it mounted is checked before the command begins.
  const byHandle = (option: '--bind' | '--ro-bind'): readonly string[] =>
    handle.bindFd === undefined
      ? [option, `/proc/self/fd/${handle.check.fd}`, workspace]
      : [`${option}-fd`, String(handle.bindFd), workspace]
  switch (mount.kind) {
    case 'read-only':
      return mount.path === workspace ? byHandle('--ro-bind') : ['--ro-bind', mount.path, mount.path]
    case 'writable':
      return mount.path === workspace ? byHandle('--bind') : ['--bind', mount.path, mount.path]
    case 'hidden-file':
      return ['--ro-bind', '/dev/null', mount.path]
    case 'setting':
    case 'shown':
      return ['--ro-bind', mount.from, mount.path]
    case 'scratch':
      return [...size, '--tmpfs', mount.path]
    case 'hidden':
      return ['--tmpfs', mount.path, '--remount-ro', mount.path]
    case 'link':
      return ['--symlink', mount.target, mount.path]
    default:
      return mount satisfies never
  }
}
