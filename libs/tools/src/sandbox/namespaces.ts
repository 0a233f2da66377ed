// The same confinement with what every Linux has: util-linux's unshare, mount, pivot_root and setpriv, and a shell script that
// builds the command's root. For machines without bubblewrap.
//   N1. The root is new and empty (tmpfs); what the plan names is bound into it; then it becomes the root, and the old one goes.
//   N2. /proc is mounted anew, so it shows this PID namespace alone; what of it acts on the machine is read-only.
//   N3. The command runs in a second user namespace in which it holds nothing and can make no third one.
//   N4. --kill-child and pdeathsig: when the outer process goes, the first process goes, and with it the PID namespace.
//   N5. The filter of system calls is loaded last, and holds for everything that runs from then on, the first process too.
//   N6. The workspace is bound by what is entered and found to be the one that was opened, not by its path.

import { filterFile, type LoadedFilter, loadingProgram, writeFilter } from './filter/loader.ts'
import type { WorkspaceHandle } from './handle.ts'
import { insideProgram, machineControls, quoted, replacedText, shareOfShm } from './inside.ts'
import type { Mount, MountPoint } from './mounts.ts'
import { isWithin } from './mounts.ts'

export interface NamespacesOptions {
  readonly network: boolean
  /** false: as root, on a system that forbids user namespaces. */
  readonly userNamespace: boolean
  readonly uid: number
  readonly gid: number
  readonly workspace: string
  /** Bytes that each folder may hold that lies in memory. */
  readonly scratch: number
  readonly shell: string
  readonly filter?: LoadedFilter | undefined
  readonly architecture: string
  /** Descriptors that are the command's. */
  readonly descriptors: readonly number[]
  readonly groups: readonly number[]
  readonly handle: WorkspaceHandle
}

/** Program and arguments; the program is `setpriv`, which passes itself on to `unshare`. */
export function namespacesArguments(
  mounts: readonly Mount[],
  mountPoints: readonly MountPoint[],
  options: NamespacesOptions,
  argv: readonly string[],
): readonly string[] {
  const namespaces = [
    '--mount',
    '--pid',
    '--ipc',
    '--uts',
    '--cgroup',
    '--fork',
    '--kill-child',
    '--propagation',
    'private',
  ]
  if (options.userNamespace) namespaces.unshift('--user', '--map-root-user')
  if (!options.network) namespaces.push('--net')
  const script = setupScript(mounts, mountPoints, options)
  return [
    'setpriv',
    '--pdeathsig',
    'KILL',
    '--',
    'unshare',
    ...namespaces,
    '--',
    '/bin/sh',
    '-c',
    script,
    'sh',
    ...argv,
  ]
}

/** Where in the new root, which is the script's working folder, an absolute path lies. */
function inRoot(path: string): string {
  return quoted(`.${path}`)
}

function setupScript(mounts: readonly Mount[], mountPoints: readonly MountPoint[], options: NamespacesOptions): string {
  const { shell, descriptors: kept, groups, handle } = options
  const shm = shareOfShm(options.scratch)
  const sized = (bytes: number) => `mode=1777,nosuid,nodev,size=${bytes}`
  const scratch = sized(options.scratch - shm)
  const devices = ['null', 'zero', 'full', 'random', 'urandom'].map((name) => `/dev/${name}`)
  const folders = mounts.flatMap((mount) => (mount.kind === 'link' || mount.kind === 'setting' ? [] : [mount.path]))
  const settings = mounts.flatMap((mount) => (mount.kind === 'setting' ? [mount] : []))
  const loading = options.filter === undefined ? [] : loadingProgram(options.filter, options.architecture)
  // /sys is on every Linux, is not part of the plan, and never holds a workspace: a place to build on that covers nothing.
  const lines = [
    'set -e',
    'umask 022',
    'mount -t tmpfs -o mode=755,size=64m tmpfs /sys',
    'cd /sys',
    `mkdir -p proc dev/shm dev/pts .old ${[...new Set(settings.map((mount) => inRoot(parentOf(mount.path))))].join(' ')}`,
    ...copies(mounts),
    'mount -t proc -o nosuid,nodev,noexec proc proc',
    // N3: one more user namespace, which is the command's own.
    options.userNamespace ? 'echo 1 > proc/sys/user/max_user_namespaces' : ':',
    // N2.
    `for f in ${machineControls.map(inRoot).join(' ')}; do [ ! -e $f ] || mount -o bind,ro $f $f; done`,
    `touch ${devices.map(inRoot).join(' ')}`,
    ...devices.map((path) => `mount --bind ${path} ${inRoot(path)}`),
    `mount -t tmpfs -o ${sized(shm)} tmpfs dev/shm`,
    'mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts 2>/dev/null || :',
    options.filter?.loader === 'setpriv' ? writeFilter(options.filter.program, inRoot(filterFile)) : ':',
    'ln -s pts/ptmx dev/ptmx',
    'ln -s /proc/self/fd dev/fd',
    'ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr',
    ...mounts.flatMap((mount) => renderMount(mount, mountPoints, { scratch, all: folders, options })),
    'pivot_root . .old',
    'cd /',
    'umount -l /.old',
    'rmdir /.old',
    'mount -o remount,bind,ro /',
    ...(options.network ? [] : [loopbackUp]),
    `cd ${quoted(options.workspace)}`,
    `exec ${[...dropPrivileges(options), ...[...loading, ...insideProgram({ shell, first: true, kept, groups, workspace: handle.check })].map(quoted), '"$@"'].join(' ')}`,
  ]
  return lines.join('\n')
}

/** Settings are copied, all in one call where they are no links: thirty bind mounts would cost ten times as much. */
function copies(mounts: readonly Mount[]): readonly string[] {
  const settings = mounts.flatMap((mount) => (mount.kind === 'setting' ? [mount] : []))
  const plain = settings.filter((mount) => mount.from === mount.path).map((mount) => quoted(mount.path))
  const linked = settings.filter((mount) => mount.from !== mount.path)
  return [
    plain.length === 0 ? ':' : `cp -a --parents ${plain.join(' ')} . 2>/dev/null || :`,
    ...linked.map((mount) => `cp -a ${quoted(mount.from)} ${inRoot(mount.path)} 2>/dev/null || :`),
  ]
}

function renderMount(
  mount: Mount,
  mountPoints: readonly MountPoint[],
  {
    scratch,
    all,
    options: { workspace, handle },
  }: { readonly scratch: string; readonly all: readonly string[]; readonly options: NamespacesOptions },
): readonly string[] {
  const at = 'path' in mount ? inRoot(mount.path) : ''
  // A mount point inside of another bound folder is there already; making it could fail on a read-only one.
  const make = all.some((path) => path !== mount.path && isWithin(mount.path, path))
    ? `[ -d ${at} ] || mkdir -p ${at}`
    : `mkdir -p ${at}`
  const bind = (path: string): string =>
    path === workspace ? bindWorkspace(path, handle) : `mount --rbind ${quoted(path)} ${at}`
  switch (mount.kind) {
    case 'read-only':
      return [make, bind(mount.path), ...readOnlyBelow(mount.path, mountPoints)]
    case 'writable':
      return [make, bind(mount.path)]
    case 'hidden-file':
      return [`mount --bind /dev/null ${at}`]
    case 'shown':
      return [
        make,
        `mount --bind ${quoted(mount.from)} ${at}`,
        `mount -o ${['remount', 'bind', 'ro', ...flagsAt(mount.from, mountPoints)].join(',')} ${at}`,
      ]
    case 'scratch':
      return [make, `mount -t tmpfs -o ${scratch} tmpfs ${at}`]
    case 'hidden':
      return [`mount -t tmpfs -o ro,mode=555,size=4k tmpfs ${at}`]
    case 'link':
      return [`mkdir -p ${inRoot(parentOf(mount.path))}`, `ln -s ${quoted(mount.target)} ${at}`]
    case 'setting':
      return []
    default:
      return mount satisfies never
  }
}

/**
 * N6. A handle from outside belongs to the mounts outside, which this namespace may not bind. So the folder is entered here, found to be the
 * handle's, and bound as the folder that was entered: mount(8) would else make a path of it again.
 */
function bindWorkspace(path: string, { check }: WorkspaceHandle): string {
  const bound = `mount --no-canonicalize --rbind . ${quoted(`/sys${path}`)}`
  return `(cd ${quoted(path)} && [ . -ef /proc/self/fd/${check.fd} ] && ${bound}) || { echo "${replacedText}" >&2; exit 1; }`
}

/** A read-only remount holds for one mount, not for those below it: each is named, with the flags that it must keep. */
function readOnlyBelow(path: string, mountPoints: readonly MountPoint[]): readonly string[] {
  const below = mountPoints.filter((point) => point.path !== path && isWithin(point.path, path))
  return [{ path, flags: flagsAt(path, mountPoints) }, ...below].map(
    (point) => `mount -o ${['remount', 'bind', 'ro', ...point.flags].join(',')} ${inRoot(point.path)}`,
  )
}

/** Of the mount that holds a path. */
const flagsAt = (path: string, mountPoints: readonly MountPoint[]): readonly string[] =>
  mountPoints.filter((point) => isWithin(path, point.path)).sort((a, b) => b.path.length - a.path.length)[0]?.flags ??
  []

// A network namespace of one's own begins with its loopback down, and servers that a test starts in it need it.
const loopbackUp = `ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null || perl -e 'socket(S,2,2,0);$r=pack("a16s","lo",0x41);ioctl(S,0x8914,$r)' 2>/dev/null || :`

function dropPrivileges(options: NamespacesOptions): readonly string[] {
  const own = ['unshare', '--user', `--map-user=${options.uid}`, `--map-group=${options.gid}`, '--']
  const drop = ['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all']
  return [...(options.userNamespace ? own : []), 'setpriv', '--pdeathsig', 'KILL', '--no-new-privs', ...drop, '--']
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
