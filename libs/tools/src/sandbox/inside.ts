// The shell text that runs inside a sandbox, just before the command: limits, home, the sign that all is set up.
// It gets the command's program and arguments as its own, so that nothing of them is ever quoted into a script.

/** The descriptor on which a sandbox says that it is set up and the command begins. */
export const readyFd = 3
/** On which bubblewrap reads its filter of system calls, to its end. Behind those that may be a command's (4 to 9). */
export const filterFd = 10

/** What of /proc acts on the whole machine. Root without any capability may still write there where a file's mode lets it. */
export const machineControls = ['sys', 'sysrq-trigger', 'irq', 'bus', 'fs', 'acpi', 'scsi'].map(
  (name) => `/proc/${name}`,
)

/** Processes and threads at most: a fork bomb ends here, a build does not. */
export const maxProcesses = 4096
/** Of these, what /dev/shm may hold: what containers have there, and no more than a quarter. */
export const shareOfShm = (scratch: number): number => Math.min(64 * 1024 ** 2, Math.floor(scratch / 4))
/** Bytes that one file may reach: 4 GiB. */
const maxFileBytes = 4 * 1024 ** 3
/** Bytes that the fresh folders (/tmp, the home in it, /var/tmp, which leads there, and /dev/shm) may hold in all, since they lie in memory. */
export const defaultScratchBytes = 1024 ** 3

// A limit that is already lower stays (raising it is refused, and that is no failure). No limit on address space: Node reserves much.
const limits = [
  'prlimit --pid $$ --core=0 2>/dev/null',
  `prlimit --pid $$ --fsize=${maxFileBytes} 2>/dev/null`,
  `prlimit --pid $$ --nproc=${maxProcesses} 2>/dev/null`,
]

export interface WorkspaceCheck {
  /** The descriptor that names the workspace; it is closed before the command begins. */
  readonly fd: number
  /** Folders in the workspace that must be what they were, `dev:ino`. */
  readonly pinned: readonly { readonly path: string; readonly identity: string }[]
}

export interface InsideOptions {
  readonly shell: string
  /** See insideScript. */
  readonly first: boolean
  /** Descriptors that are the command's. */
  readonly kept: readonly number[]
  /** Descriptors by which it enters its groups (G1 of limits/groups.ts). */
  readonly groups: readonly number[]
  /** Absent: nothing is checked, where the system gives no handles. */
  readonly workspace: WorkspaceCheck | undefined
}

/**
 * `first`: the process is its namespace's first one, so it stays as the parent of the command: signals without a handler do
 * nothing to a first process, and it must reap what is orphaned.
 */
function insideScript({ shell, first, kept, groups, workspace }: InsideOptions): string {
  const lines = [
    ...groups.map((fd) => `printf 0 >&${fd} || { echo '${noGroupText}' >&2; exit 1; }`),
    ...limits,
    ...(workspace === undefined ? [] : checks(workspace)),
    closeInherited(shell, kept),
    'mkdir -p "$HOME" 2>/dev/null',
    `printf r >&${readyFd}`,
    `exec ${readyFd}>&-`,
  ]
  return [...lines, first ? '"$@"; exit $?' : 'exec "$@"'].join('\n')
}

/**
 * A descriptor that this process was itself started with would pass on, and one of a folder outside leads out of any sandbox.
 * sh can name descriptors of one digit only; bash all.
 */
function closeInherited(shell: string, kept: readonly number[]): string {
  const foreign = [4, 5, 6, 7, 8, 9].filter((fd) => !kept.includes(fd))
  if (!shell.endsWith('/bash')) return foreign.length === 0 ? ':' : `exec ${foreign.map((fd) => `${fd}>&-`).join(' ')}`
  const close = `case $f in ${[`[0-${readyFd}]`, ...kept].join('|')}) ;; *) eval "exec $f>&-" ;; esac`
  // Not with the loop's own output redirected: bash would keep the real one on a high descriptor, which is then closed.
  return `for f in /proc/self/fd/*; do f=\${f##*/}; ${close}; done`
}

const noGroupText = 'the command could not be put into a group of its own, which bounds what it takes; try again'

/** Runs insideScript; it gets the command as its next arguments. */
export function insideProgram(options: InsideOptions): readonly string[] {
  return [options.shell, '-c', insideScript(options), 'sh']
}

/** X6 of sandbox.ts. Only what was opened and checked is worked in, and only what was looked at lies on the way to what is hidden in it. */
function checks({ fd, pinned }: WorkspaceCheck): readonly string[] {
  const replaced = `{ echo "${replacedText}" >&2; exit 1; }`
  const paths = pinned.map(({ path }) => quoted(path)).join(' ')
  const identities = pinned.map(({ identity }) => identity).join('\n')
  return [
    `[ . -ef /proc/self/fd/${fd} ] || ${replaced}`,
    ...(pinned.length === 0 ? [] : [`[ "$(stat -c %d:%i ${paths})" = ${quoted(identities)} ] || ${replaced}`]),
  ]
}

export const replacedText = 'the workspace, or a folder in it, was replaced while the command was started; try again'

/** Shell text that means exactly `text`. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

const systemPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

export function insideEnvironment(
  path: readonly string[],
  home: string,
  env: Readonly<Record<string, string>>,
): Record<string, string> {
  return { PATH: [...path, ...systemPath].join(':'), HOME: home, LANG: 'C.UTF-8', TERM: 'dumb', TMPDIR: '/tmp', ...env }
}
