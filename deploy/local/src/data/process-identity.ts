// Which process is which. A number alone names nobody: it is given out again after its owner has died.
//   P1. A process is its pid and its start time (and, on Linux, the boot): a recycled pid never passes for the old owner.
//   P2. A zombie is dead: it holds no file and writes nothing, and in a container nobody may ever reap it.
//   P3. A server of ours is found by arguments that only it can have (paths in its data folder), so it is found although
//       the process that started it died before it could write a pid down, and no stranger is ever taken for it.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface ProcessId {
  readonly pid: number
  /** Opaque; equal for the same process only. */
  readonly started: string
}

/** Who has this pid now; undefined when nobody has, or only a zombie. */
export function identify(pid: number): ProcessId | undefined {
  const started = process.platform === 'linux' ? startedFromProc(pid) : startedFromPs(pid)
  return started === undefined ? undefined : { pid, started }
}

export function isAlive(id: ProcessId): boolean {
  return identify(id.pid)?.started === id.started
}

/** The processes that were started with these arguments, next to each other and word for word. */
export function findProcesses(args: readonly string[]): ProcessId[] {
  const pids = process.platform === 'linux' ? fromProc(args) : fromPs(args)
  return pids
    .filter((pid) => pid !== process.pid)
    .map(identify)
    .filter((id) => id !== undefined)
}

/**
 * The processes of a program that work in `folder`. Finds the children of a dead postmaster, which rename themselves.
 * Linux only; elsewhere it finds none.
 */
export function findProcessesIn(program: string, folder: string): ProcessId[] {
  if (process.platform !== 'linux') return []
  return procPids()
    .filter((pid) => quietly(() => readlinkSync(`/proc/${pid}/cwd`)) === folder)
    .filter((pid) => quietly(() => readFileSync(`/proc/${pid}/comm`, 'utf8'))?.trim() === program)
    .map(identify)
    .filter((id) => id !== undefined)
}

function startedFromProc(pid: number): string | undefined {
  const stat = quietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  if (stat === undefined) return undefined
  // The second field is the program's name in parentheses, and may hold anything, parentheses too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  const ticks = fields[19]
  if (ticks === undefined || state === 'Z' || state === 'X') return undefined
  // Ticks count from the boot, so without the boot a process of yesterday could equal one of today.
  const boot = quietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) ?? ''
  return `${boot}/${ticks}`
}

function startedFromPs(pid: number): string | undefined {
  const line = ps(['-o', 'stat=,lstart=', '-p', String(pid)]).trim()
  const [state, ...started] = line.split(/\s+/)
  return line === '' || state?.startsWith('Z') ? undefined : started.join(' ')
}

function fromProc(args: readonly string[]): number[] {
  const wanted = `\0${args.join('\0')}\0`
  return procPids().filter((pid) => quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.includes(wanted))
}

function fromPs(args: readonly string[]): number[] {
  const wanted = ` ${args.join(' ')}`
  return ps(['-axww', '-o', 'pid=,args='])
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match?.[2]?.includes(wanted))
    .map((match) => Number(match?.[1]))
}

function procPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function ps(args: string[]): string {
  return quietly(() => execFileSync('ps', args, { encoding: 'utf8', timeout: 5000, stdio: 'pipe' })) ?? ''
}

// A process may end between being listed and being read; what cannot be read is not there.
function quietly<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
