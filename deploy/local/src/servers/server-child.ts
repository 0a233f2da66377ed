// A server as a child process: its start, its log, its end. Shared by nats-server and Postgres.
//   C1. It stands in a session of its own: Ctrl-C in the terminal reaches Reins, which drains first and stops it last.
//   C2. Where the machine can (setpriv), it is told to stop when Reins dies (the thread that started it, so it is started
//       from the main one); nothing may rely on that, hence C3.
//   C3. What an earlier run left behind is stopped before a new one starts: two servers on one store destroy it.
//   C4. Its environment is empty but for what is given: nothing of the operator's leaks into it.
import { execFile, spawn, spawnSync } from 'node:child_process'
import { closeSync, readFileSync, renameSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { appendOwnFile } from '../data/own-file.ts'
import { isAlive, type ProcessId } from '../data/process-identity.ts'

export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const LOG_LIMIT = 10 * 1024 * 1024

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Whether `close` or `kill` was asked for. */
  readonly expected: boolean
}

export interface ServerCommand {
  readonly argv: readonly [string, ...string[]]
  readonly logFile: string
  readonly env?: Record<string, string>
  readonly cwd?: string
  readonly uid?: number
  readonly gid?: number
}

export interface ServerChild {
  readonly pid: number
  /** Undefined while it runs. */
  readonly exit: () => Exit | undefined
  readonly exited: Promise<Exit>
  kill(signal: NodeJS.Signals): void
  /** Sends each signal in turn and waits its time for the end; at last SIGKILL. Returns how it ended. */
  stop(steps: readonly StopStep[]): Promise<Exit>
}

export interface StopStep {
  readonly signal: NodeJS.Signals
  readonly withinMs: number
}

/** Whoever starts it stops it. Rejects when the program cannot be run at all. */
export async function startChild(command: ServerCommand): Promise<ServerChild> {
  rotate(command.logFile)
  const log = appendOwnFile(command.logFile)
  const [program, ...args] = command.argv
  let expected = false
  try {
    const child = spawn(program, args, {
      detached: true, // C1
      stdio: ['ignore', log, log],
      env: { PATH: SYSTEM_PATH, ...command.env },
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
      ...(command.uid === undefined ? {} : { uid: command.uid }),
      ...(command.gid === undefined ? {} : { gid: command.gid }),
    })
    const exited = new Promise<Exit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal, expected }))
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      // Also later: a signal that could not be sent says so by an event, and without a listener that ends the process.
      child.on('error', reject)
    })
    const pid = child.pid
    if (pid === undefined) throw new Error(`${program} did not start`)
    let exit: Exit | undefined
    void exited.then((how) => {
      exit = how
    })
    const kill = (signal: NodeJS.Signals) => {
      expected = true
      child.kill(signal)
    }
    return {
      pid,
      exit: () => exit,
      exited,
      kill,
      stop: async (steps) => {
        for (const { signal, withinMs } of steps) {
          if (exit !== undefined) return exit
          kill(signal)
          const how = await withDeadline(exited, withinMs)
          if (how !== undefined) return how
        }
        kill('SIGKILL')
        return exited
      },
    }
  } finally {
    closeSync(log)
  }
}

/** The prefix that makes a program stop with its parent, where the machine has one (C2). */
export function tetherPrefix(signal: 'INT' | 'TERM'): string[] {
  if (process.platform !== 'linux') return []
  const prefixOf = (of: string) => ['setpriv', '--pdeathsig', of, '--']
  tethers ??= runs([...prefixOf('TERM'), 'true'])
  return tethers ? prefixOf(signal) : []
}

/** Whether the machine has it: tried once. */
let tethers: boolean | undefined

/** Whether a short command ends with 0. */
export function runs(
  argv: readonly string[],
  options: { uid?: number; gid?: number; env?: Record<string, string> } = {},
): boolean {
  const [program, ...args] = argv
  if (program === undefined) return false
  const { env, ...ids } = options
  return (
    spawnSync(program, args, { stdio: 'ignore', timeout: 10_000, env: { PATH: SYSTEM_PATH, ...env }, ...ids })
      .status === 0
  )
}

/** As `runs`, while this process does other things. */
export async function runsMeanwhile(
  [program, ...args]: readonly string[],
  { env, ...ids }: { uid?: number; gid?: number; env?: Record<string, string> },
): Promise<boolean> {
  if (program === undefined) return false
  const options = { timeout: 10_000, env: { PATH: SYSTEM_PATH, ...env }, ...ids }
  return await promisify(execFile)(program, args, options).then(
    () => true,
    () => false,
  )
}

/** Stops processes that are not our children (C3). Throws when one outlives SIGKILL, since a new server must not start then. */
export async function stopOrphans(orphans: readonly ProcessId[], steps: readonly StopStep[]): Promise<void> {
  for (const { signal, withinMs } of [...steps, { signal: 'SIGKILL', withinMs: 5000 } as const]) {
    const alive = orphans.filter(isAlive)
    for (const { pid } of alive) {
      try {
        process.kill(pid, signal)
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ESRCH') continue
        throw new Error(
          `Process ${pid}, left over from an earlier run, cannot be stopped: ${error instanceof Error ? error.message : String(error)}. ` +
            `Stop it by hand (kill ${pid}), then start again.`,
        )
      }
    }
    await until(() => !alive.some(isAlive), { withinMs, everyMs: 10 })
  }
  const left = orphans.find(isAlive)
  if (left !== undefined)
    throw new Error(
      `Process ${left.pid}, left over from an earlier run, does not end. Stop it by hand, then start again.`,
    )
}

/** Looks again and again; false when the time is over, or `signal` is aborted. */
export async function until(
  ready: () => boolean | Promise<boolean>,
  { withinMs, everyMs, signal }: { withinMs: number; everyMs: number; signal?: AbortSignal },
): Promise<boolean> {
  const late = AbortSignal.timeout(withinMs)
  const deadline = signal ? AbortSignal.any([late, signal]) : late
  for (;;) {
    if (await ready()) return true
    if (deadline.aborted) return false
    await delay(everyMs)
  }
}

export async function withDeadline<T>(work: Promise<T>, withinMs: number): Promise<T | undefined> {
  const over = new AbortController()
  try {
    return await Promise.race([work, delay(withinMs, undefined, { signal: over.signal })])
  } finally {
    over.abort()
  }
}

/** The last lines of a log, for an error that a person reads. */
export function logTail(file: string, from: number, lines = 12): string {
  try {
    return readFileSync(file).subarray(from).toString('utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch {
    return ''
  }
}

export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function rotate(file: string): void {
  if (sizeOf(file) > LOG_LIMIT) renameSync(file, `${file}.1`)
}
