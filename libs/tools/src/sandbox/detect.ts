// Finds the strongest sandbox that works here, by trying each on a small command that checks what it must keep from it.
// Done once at start; the result is passed around.
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asFailure } from '../calls/outcome.ts'
import { openRoot, type Root } from '../workspace/root.ts'
import { bubblewrapArguments } from './bubblewrap.ts'
import { spawnChild } from './child.ts'
import { bareHandle, handleOf, hiddenIn, type WorkspaceHandle } from './handle.ts'
import { defaultScratchBytes, insideEnvironment, insideProgram, maxProcesses } from './inside.ts'
import { findGroups, type Group, type Groups } from './limits/groups.ts'
import { planMounts, readMountPoints } from './mounts.ts'
import { namespacesArguments } from './namespaces.ts'
import type { FilterLoader } from './filter/loader.ts'
import { filterProgram } from './filter/program.ts'
import { noGuard } from '../workspace/guard.ts'
import {
  refusal,
  shellCommand,
  shellProgram,
  type Sandbox,
  type SandboxCommand,
  type SandboxKind,
  type SpawnResult,
} from './sandbox.ts'

export interface SandboxOptions {
  /** The operator's word that commands may run unconfined where there is no sandbox. Default false. */
  readonly allowUnsandboxed?: boolean
  /** The operator's word that an agent which asks for it gets the network. Default false. */
  readonly allowNetwork?: boolean
  /** The operator's word: bytes of memory that a command and all that it starts may hold together. Default: no limit. */
  readonly memoryBytes?: number
  /** Folders of programs that commands may use: seen read-only, and first on PATH. Absolute. */
  readonly programs?: readonly string[]
  /** What to try, in this order. Default: bubblewrap, namespaces. */
  readonly try?: readonly Exclude<SandboxKind, 'none'>[]
  /** What may load the filter of system calls where bubblewrap does not, in this order. Default: setpriv, perl. */
  readonly loaders?: readonly FilterLoader[]
  /** What bounds commands. null: nothing of the kernel's. Default: what this process may make. */
  readonly groups?: Groups | null
  /** Who the service is; given by the composition, default the process's own. */
  readonly uid?: number
  readonly gid?: number
}

interface Candidate {
  readonly kind: SandboxKind
  readonly detail: string
  readonly filtered: boolean
  readonly spawn: (command: SandboxCommand) => SpawnResult
}

const home = '/tmp/home'
const probeMs = 10_000

export async function detectSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const allowed = {
    networkAllowed: options.allowNetwork ?? false,
    ...(options.memoryBytes === undefined ? {} : { memoryBytes: options.memoryBytes }),
  }
  const found = options.groups === null ? undefined : (options.groups ?? findGroups())
  const limitsOf = (groups: Groups | undefined) => describeLimits(groups, options.uid ?? process.getuid?.() ?? 0)
  const reasons: string[] = []
  // A group that can be made may still let nobody in, for example a process of a realtime class: then Reins itself keeps the limits.
  for (const groups of found ? [found, undefined] : [undefined])
    for (const candidate of candidates(options, groups)) {
      const reason = await whyNot(candidate)
      if (reason === undefined) return { ...candidate, ...allowed, limits: limitsOf(groups) }
      const how = [candidate.filtered ? ', with a filter' : '', groups ? ', in a cgroup' : ''].join('')
      reasons.push(`${candidate.detail}${how}: ${reason}`)
    }
  const tried = reasons.length === 0 ? 'there is none for this system' : reasons.join('; ')
  if (options.allowUnsandboxed !== true) {
    const spawn = (): SpawnResult => ({ kind: 'refused', message: refusal })
    return { kind: 'none', detail: `no sandbox, the shell is refused (${tried})`, filtered: false, ...allowed, spawn }
  }
  const programs = options.programs ?? []
  const detail = `no sandbox, commands run unconfined because the operator allowed it (${tried})`
  const bounds = boundsOf(options, found)
  return {
    ...{ kind: 'none', detail, filtered: false, ...allowed, limits: limitsOf(found) },
    spawn: (command) => spawnBare(programs, command, bounds),
  }
}

/** Of each command: its group, and the limits that it is made with. */
interface Bounds {
  readonly make: () => Group | undefined
}

const boundsOf = ({ memoryBytes }: SandboxOptions, groups: Groups | undefined): Bounds => ({
  make: () => groups?.make({ processes: maxProcesses, ...(memoryBytes === undefined ? {} : { memoryBytes }) }),
})

function describeLimits(groups: Groups | undefined, uid: number): string {
  if (groups) return groups.memory ? groups.detail : `${groups.detail}, and Reins checks its memory ten times a second`
  return uid === 0
    ? 'Reins checks the processes and the memory of each command ten times a second, since no cgroup can be made here'
    : 'rlimits bound the processes of this user, and Reins checks the memory of each command ten times a second, since no cgroup can be made here'
}

function candidates(options: SandboxOptions, groups: Groups | undefined): readonly Candidate[] {
  const bounds = boundsOf(options, groups)
  if (process.platform !== 'linux') return []
  const programs = options.programs ?? []
  const uid = options.uid ?? process.getuid?.() ?? 0
  const gid = options.gid ?? process.getgid?.() ?? 0
  const program = filterProgram(process.arch)
  const started = (
    command: SandboxCommand,
    plan: (
      mounts: Parameters<typeof bubblewrapArguments>[0],
      at: { readonly workspace: string; readonly handle: WorkspaceHandle; readonly groups: readonly number[] },
    ) => readonly string[],
    {
      wrappers,
      byFd,
      filter,
    }: { readonly wrappers: number; readonly byFd: boolean; readonly filter?: Buffer | undefined },
  ): SpawnResult => {
    return inWorkspace(command, (root) => {
      const workspace = root.path
      const mounts = planMounts({ ...command, workspace, readable: programs, hidden: hiddenIn(root) })
      if (mounts.kind === 'refused') return mounts
      return inGroup(bounds, (group) => {
        const { handle, groups, passed } = handleOf(root, mounts.mounts, {
          ...{ descriptors: command.descriptors ?? [], byFd, entrances: group?.entrances ?? [] },
        })
        const [starter = '', ...args] = plan(mounts.mounts, { workspace, handle, groups })
        return spawnChild({
          ...(filter === undefined ? {} : { filter }),
          ...{
            program: starter,
            args,
            env: insideEnvironment(programs, home, command.env),
            cwd: '/',
            wrappers,
            passed,
            group,
          },
          ...streamsOf(command),
        })
      })
    })
  }
  const bubblewrap = (hardened: boolean, byFd: boolean, filter?: Buffer): Candidate => ({
    kind: 'bubblewrap',
    detail: hardened ? 'bubblewrap' : 'bubblewrap (an older one, or without user namespaces)',
    filtered: filter !== undefined,
    spawn: (command) =>
      started(
        command,
        (mounts, at) => [
          'bwrap',
          ...bubblewrapArguments(
            mounts,
            { ...command, ...inside(command), ...at, hardened, filtered: filter !== undefined },
            command.argv,
          ),
        ],
        { wrappers: 2, byFd, filter },
      ),
  })
  const namespaces = (userNamespace: boolean, loader?: FilterLoader): Candidate => ({
    kind: 'namespaces',
    detail: userNamespace
      ? "Linux namespaces by util-linux's unshare"
      : "Linux namespaces by util-linux's unshare, as root without a user namespace",
    filtered: loader !== undefined,
    spawn: (command) =>
      started(
        command,
        (mounts, at) =>
          namespacesArguments(
            mounts,
            readMountPoints(),
            {
              ...{ ...command, ...inside(command), ...at, userNamespace, uid, gid, architecture: process.arch },
              filter: loader === undefined || program === undefined ? undefined : { loader, program },
            },
            command.argv,
          ),
        { wrappers: 2, byFd: false },
      ),
  })
  const userNamespaces = uid === 0 ? [true, false] : [true]
  const loaders = options.loaders ?? ['setpriv', 'perl']
  const of = (kind: Exclude<SandboxKind, 'none'>, filtered: boolean): readonly Candidate[] => {
    switch (kind) {
      case 'bubblewrap':
        return [
          bubblewrap(true, true, filtered ? program : undefined),
          bubblewrap(true, false, filtered ? program : undefined),
          bubblewrap(false, false, filtered ? program : undefined),
        ]
      case 'namespaces':
        return userNamespaces.flatMap((own) =>
          filtered ? loaders.map((loader) => namespaces(own, loader)) : [namespaces(own)],
        )
      default:
        return kind satisfies never
    }
  }
  const kinds = options.try ?? ['bubblewrap', 'namespaces']
  // Any with a filter is better than one without.
  return [
    ...(program === undefined ? [] : kinds.flatMap((kind) => of(kind, true))),
    ...kinds.flatMap((kind) => of(kind, false)),
  ]
}

/** X6: it is open until the process has its own handle of it. */
function inWorkspace({ workspace, guard }: SandboxCommand, spawn: (root: Root) => SpawnResult): SpawnResult {
  try {
    using root = openRoot(workspace, guard)
    return spawn(root)
  } catch (error) {
    return { kind: 'refused', message: asFailure(error, 'the workspace').message }
  }
}

/** What is started ends its group; what is not has none. */
function inGroup({ make }: Bounds, spawn: (group: Group | undefined) => SpawnResult): SpawnResult {
  const group = make()
  try {
    return spawn(group)
  } catch (error) {
    group?.closeEntrances()
    group?.end()
    throw error
  }
}

/** Without a sandbox: a clean environment and a group of its own, no more. */
function spawnBare(programs: readonly string[], command: SandboxCommand, bounds: Bounds): SpawnResult {
  const ownHome = mkdtempSync(join(tmpdir(), 'reins-home-'))
  const env = { ...insideEnvironment(programs, ownHome, command.env), TMPDIR: ownHome }
  const { shell, descriptors } = inside(command)
  const result = inWorkspace(command, (root) => {
    return inGroup(bounds, (group) => {
      const { check: workspace, groups, passed } = bareHandle(root, descriptors, group?.entrances ?? [])
      const script = insideProgram({ shell, first: false, kept: descriptors, groups, workspace })
      const [program = '', ...args] = [...script, ...command.argv]
      return spawnChild({ program, args, env, cwd: root.path, wrappers: 0, passed, group, ...streamsOf(command) })
    })
  })
  const removeHome = () => rmSync(ownHome, { recursive: true, force: true })
  if (result.kind === 'started') void result.process.exit.then(removeHome)
  else removeHome()
  return result
}

const inside = ({ descriptors = [], scratchBytes = defaultScratchBytes }: SandboxCommand) => ({
  ...{ shell: shellProgram(), descriptors },
  scratch: scratchBytes,
})
const streamsOf = ({ input = 'none', descriptors = [] }: SandboxCommand) => ({ input, descriptors })

/** Runs a trial: undefined where the candidate keeps what it promises, else one line that says why it cannot be used. */
async function whyNot(candidate: Candidate): Promise<string | undefined> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reins-sandbox-')))
  const workspace = join(folder, 'workspace')
  const masked = join(workspace, 'masked')
  try {
    mkdirSync(masked, { recursive: true })
    writeFileSync(join(masked, 'seen'), '')
    const filtered = candidate.filtered ? ' && : > bits && ! chmod u+s bits 2>/dev/null' : ''
    const command = `[ ! -e masked/seen ] && [ ! -e '${folder}/outside' ] && ! touch /usr/reins 2>/dev/null && [ "$(grep -c : /proc/net/dev)" = 1 ]${filtered} && echo kept > answer`
    writeFileSync(join(folder, 'outside'), '')
    const result = candidate.spawn({
      argv: shellCommand(command),
      workspace,
      guard: { ...noGuard, masked: [masked] },
      network: false,
      env: {},
    })
    if (result.kind === 'refused') return result.message
    result.process.stdout.resume()
    result.process.stderr.resume()
    const timer = setTimeout(() => result.process.stop(0), probeMs)
    const exit = await result.process.exit
    clearTimeout(timer)
    if (exit.kind === 'not-started') return exit.message.split('\n')[0] ?? ''
    const answer = join(workspace, 'answer')
    accessSync(answer, constants.R_OK)
    return readFileSync(answer, 'utf8') === 'kept\n' ? undefined : 'the trial command failed in it'
  } catch {
    return 'a trial command was not confined as it must be'
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
