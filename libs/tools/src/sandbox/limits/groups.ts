// A group of the kernel (cgroup) for each command: what a command and all that it starts may take together, also where root runs it, for
// whom limits of single processes do not count.
//   G1. The command's own shell enters its group before anything of the command runs, by a descriptor that was opened here. So nothing that it
//       starts is ever outside, and a sandbox needs to show no group.
//   G2. A group is removed when its command has ended, and what is left in it is killed. Groups of processes that died are removed at the start.
//   G3. Groups are made below the one of this process, nowhere else, and processes of others are not moved. Version 2 where the system has
//       handed it to us with its controllers; of version 1 processes and CPU, for its memory groups end one process of several.
//   G4. CPU is shared, not capped: a command weighs half of what the service weighs, however many processes it is.
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { descendants } from './process-tree.ts'

export interface GroupLimits {
  readonly processes: number
  readonly memoryBytes?: number
}

export interface Groups {
  /** For people. */
  readonly detail: string
  /** Whether memory is held as well. */
  readonly memory: boolean
  /** undefined: none could be made now. */
  make(limits: GroupLimits): Group | undefined
}

export interface Group {
  /** Open for the command's shell, which writes `0` to each; they are still the caller's to close. */
  readonly entrances: readonly number[]
  closeEntrances(): void
  /** Whether the system has ended a process of it for its memory. */
  outOfMemory(): boolean
  /** G2. */
  end(): void
}

/** As the system tells them, and as a test makes them. */
export interface GroupsSource {
  /** /proc/self/cgroup */
  readonly own: string
  /** /proc/self/mountinfo */
  readonly mounts: string
  readonly pid: number
  readonly below: (pid: number) => readonly number[]
  readonly isAlive: (pid: number) => boolean
  readonly makeFolder: (folder: string) => void
}

const ownLeaf = 'reins-service'
const commandName = /^reins-command-(\d+)-\d+$/
const weight = { v2: '50', v1: '512' }
const endTries = 50
const endEveryMs = 100

export function systemGroups(): GroupsSource {
  const textOf = (file: string): string => {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return ''
    }
  }
  return {
    own: textOf('/proc/self/cgroup'),
    mounts: textOf('/proc/self/mountinfo'),
    pid: process.pid,
    below: (pid) => descendants(pid).flat(),
    isAlive: (pid) => {
      try {
        return process.kill(pid, 0)
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'EPERM'
      }
    },
    makeFolder: (folder) => mkdirSync(folder),
  }
}

/** undefined: this process may make none. */
export function findGroups(source: GroupsSource = systemGroups()): Groups | undefined {
  for (const [detail, memory, hierarchies] of ways(source)) {
    if (hierarchies.length === 0) continue
    sweep(hierarchies, source)
    const groups = groupsIn(hierarchies, { detail, memory }, source)
    // By trying: a mounted hierarchy may be for reading only.
    const trial = groups.make({ processes: 8 })
    if (!trial) continue
    trial.closeEntrances()
    trial.end()
    return groups
  }
  return undefined
}

/** A folder below which groups are made, and what is written into each. */
interface Hierarchy {
  readonly folder: string
  readonly settings: (limits: GroupLimits) => Readonly<Record<string, string>>
  /** The file that counts, and the line of it. */
  readonly killed?: { readonly file: string; readonly line: string }
}

function* ways(source: GroupsSource): Generator<readonly [detail: string, memory: boolean, readonly Hierarchy[]]> {
  const two = versionTwo(source)
  yield ['cgroup v2 bounds the processes, the memory and the CPU of each command', true, two ? [two] : []]
  const processes = versionOne(source, 'pids', ({ processes: most }) => ({ 'pids.max': String(most) }))
  const cpu = versionOne(source, 'cpu', () => ({ 'cpu.shares': weight.v1 }))
  yield [
    'cgroup v1 bounds the processes and the CPU of each command',
    false,
    processes ? [processes, ...(cpu ? [cpu] : [])] : [],
  ]
  yield ['cgroup v1 bounds the processes of each command', false, processes ? [processes] : []]
}

function versionTwo(source: GroupsSource): Hierarchy | undefined {
  const own = /^0::(.*)$/m.exec(source.own)?.[1]
  const base = own === undefined ? undefined : folderOf(source, own, (type) => type === 'cgroup2')
  if (base === undefined) return undefined
  const folder = path.basename(base) === ownLeaf ? path.dirname(base) : base
  const needed = ['pids', 'memory']
  if (!needed.every((one) => wordsIn(path.join(folder, 'cgroup.controllers')).includes(one))) return undefined
  const handedOn = () => wordsIn(path.join(folder, 'cgroup.subtree_control'))
  if (!needed.every((one) => handedOn().includes(one)) && !handOn(folder, source)) return undefined
  if (!needed.every((one) => handedOn().includes(one))) return undefined
  return {
    folder,
    settings: ({ processes, memoryBytes }) => ({
      'pids.max': String(processes),
      ...(memoryBytes === undefined ? {} : { 'memory.max': String(memoryBytes), 'memory.oom.group': '1' }),
      ...(handedOn().includes('cpu') ? { 'cpu.weight': weight.v2 } : {}),
    }),
    killed: { file: 'memory.events', line: 'oom_kill' },
  }
}

/** G3: controllers are handed on by a group without processes, so ours goes below first, if there are no others in it. */
function handOn(folder: string, { pid, below, makeFolder }: GroupsSource): boolean {
  const ours = new Set([pid, ...below(pid)].map(String))
  const there = wordsIn(path.join(folder, 'cgroup.procs'))
  try {
    if (there.length > 0) {
      if (!there.every((one) => ours.has(one))) return false
      const leaf = path.join(folder, ownLeaf)
      makeFolderOnce(leaf, makeFolder)
      for (const one of there) writeInto(path.join(leaf, 'cgroup.procs'), one)
    }
    for (const controller of ['pids', 'memory', 'cpu'])
      try {
        writeInto(path.join(folder, 'cgroup.subtree_control'), `+${controller}`)
      } catch {
        // What is not handed on is missing then, and that is looked at.
      }
    return true
  } catch {
    return false
  }
}

function versionOne(source: GroupsSource, controller: string, settings: Hierarchy['settings']): Hierarchy | undefined {
  const line = source.own.split('\n').find((one) => one.split(':')[1]?.split(',').includes(controller))
  const own = line?.split(':').slice(2).join(':')
  const folder =
    own === undefined
      ? undefined
      : folderOf(source, own, (type, options) => type === 'cgroup' && options.split(',').includes(controller))
  return folder === undefined ? undefined : { folder, settings }
}

/** Where the group `own` is seen, by proc_pid_mountinfo(5). */
function folderOf(
  { mounts }: GroupsSource,
  own: string,
  is: (type: string, options: string) => boolean,
): string | undefined {
  for (const line of mounts.split('\n')) {
    const [place = '', kind = ''] = line.split(' - ')
    const [, , , root = '', at = ''] = place.split(' ')
    const [type = '', , options = ''] = kind.split(' ')
    if (!is(type, options)) continue
    const below = path.posix.relative(root, own)
    if (below === '..' || below.startsWith('../')) continue
    return path.join(at, below)
  }
  return undefined
}

function groupsIn(
  hierarchies: readonly Hierarchy[],
  about: { readonly detail: string; readonly memory: boolean },
  { pid, makeFolder }: GroupsSource,
): Groups {
  let count = 0
  return {
    ...about,
    make(limits) {
      const name = `reins-command-${pid}-${count++}`
      const made: string[] = []
      const entrances: number[] = []
      const closeEntrances = (): void => {
        for (const fd of entrances.splice(0)) closeSync(fd)
      }
      const end = (): void => {
        for (const folder of made.splice(0)) endGroup(folder, endTries)
      }
      try {
        for (const { folder, settings } of hierarchies) {
          const group = path.join(folder, name)
          makeFolder(group)
          made.push(group)
          for (const [file, value] of Object.entries(settings(limits))) writeInto(path.join(group, file), value)
          entrances.push(openSync(path.join(group, 'cgroup.procs'), 'r+'))
        }
      } catch {
        closeEntrances()
        end()
        return undefined
      }
      const counted = hierarchies.flatMap(({ folder, killed }) =>
        killed ? [{ file: path.join(folder, name, killed.file), line: killed.line }] : [],
      )
      return {
        entrances,
        closeEntrances,
        outOfMemory: () => counted.some(({ file, line }) => new RegExp(`^${line} [1-9]`, 'm').test(textIn(file))),
        end,
      }
    },
  }
}

/** G2. A process that was killed is in its group for a moment. */
function endGroup(folder: string, tries: number): void {
  // Those of another PID namespace stand there as 0, which would be this process's own group.
  const there = wordsIn(path.join(folder, 'cgroup.procs')).map(Number)
  for (const pid of there.filter((one) => one > 1))
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Gone already.
    }
  try {
    rmdirSync(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EBUSY' && tries > 0) setTimeout(() => endGroup(folder, tries - 1), endEveryMs).unref()
  }
}

function sweep(hierarchies: readonly Hierarchy[], { isAlive }: GroupsSource): void {
  for (const { folder } of hierarchies)
    for (const name of namesIn(folder)) {
      const [, maker] = commandName.exec(name) ?? []
      if (maker !== undefined && !isAlive(Number(maker))) endGroup(path.join(folder, name), 0)
    }
}

function writeInto(file: string, text: string): void {
  writeFileSync(file, text, { flag: 'r+' })
}

function makeFolderOnce(folder: string, make: (folder: string) => void): void {
  try {
    make(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function textIn(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

const wordsIn = (file: string): readonly string[] => textIn(file).split(/\s+/).filter(Boolean)
