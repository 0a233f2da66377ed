// Processes that the benchmarks start, and what they cost. Whoever starts one ends it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { environment } from '../config.ts'

export interface Started {
  readonly name: string
  readonly pid: number
  /** The first line of output that `ready` took something from. */
  readonly said: string
  /** Where V8's inspector listens, of a process that was started with `--inspect`. */
  inspector(): string | undefined
  kill(signal: NodeJS.Signals): void
  /** Resolves when it is gone. */
  readonly ended: Promise<void>
  /** SIGTERM, and SIGKILL ten seconds later. */
  stop(): Promise<void>
}

export interface StartOptions {
  readonly name: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** What a line of output that says "ready" holds; undefined: not this line. */
  ready(line: string): string | undefined
  readonly withinMs?: number
}

export const startNode = (options: StartOptions): Promise<Started> => startProgram(process.execPath, options)

export async function startProgram(program: string, options: StartOptions): Promise<Started> {
  const child = spawn(program, options.args, {
    env: { ...environment, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const ended = once(child, 'exit').then(() => undefined)
  let tail = ''
  let inspector: string | undefined
  child.stderr?.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString()).slice(-4000)
    inspector ??= /Debugger listening on (ws:\S+)/.exec(tail)?.[1]
  })
  const said = await firstLine(child, options).catch((error: Error) => {
    child.kill('SIGKILL')
    throw new Error(`${options.name}: ${error.message}\n${tail}`)
  })
  return {
    name: options.name,
    pid: child.pid ?? 0,
    said,
    inspector: () => inspector,
    kill: (signal) => void child.kill(signal),
    ended,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(late)
    },
  }
}

function firstLine(child: ChildProcess, { ready, withinMs = 300_000 }: StartOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`not ready within ${withinMs} ms`)), withinMs)
    let rest = ''
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearTimeout(late)
      reject(new Error(`ended before it was ready (${code ?? signal})`))
    })
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const found = ready(line)
        if (found === undefined) continue
        clearTimeout(late)
        resolve(found)
      }
    })
  })
}

/** Resident memory in MB; 0 where the machine has no /proc. */
export function residentMb(pid: number): number {
  try {
    const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return Math.round(Number(line?.[1] ?? 0) / 1024)
  } catch {
    return 0
  }
}

/** CPU time of a process so far, in ms (of 10 ms ticks). */
export function cpuMs(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return 0
  }
}

/** CPU time of all that the machine has run so far, in ms (of 10 ms ticks), by Linux's /proc/stat; 0 where there is none. */
export function machineCpuMs(): number {
  try {
    const [first = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = first.trim().split(/ +/).slice(1).map(Number)
    return (user + nice + system + irq + softirq) * 10
  } catch {
    return 0
  }
}

/** Every process below one, by its command. */
export function descendants(pid: number): readonly { readonly pid: number; readonly command: string }[] {
  const parents = new Map<number, { parent: number; command: string }>()
  try {
    for (const entry of readdirSync('/proc'))
      if (/^\d+$/.test(entry)) {
        const stat = tryRead(`/proc/${entry}/stat`)
        const [before, after] = [stat.slice(0, stat.lastIndexOf(')')), stat.slice(stat.lastIndexOf(')') + 2)]
        parents.set(Number(entry), {
          parent: Number(after.split(' ')[1]),
          command: before.slice(before.indexOf('(') + 1),
        })
      }
  } catch {
    return []
  }
  const isBelow = (of: number): boolean => {
    for (let at = parents.get(of)?.parent; at !== undefined && at > 1; at = parents.get(at)?.parent)
      if (at === pid) return true
    return false
  }
  return [...parents].flatMap(([one, { command }]) => (isBelow(one) ? [{ pid: one, command }] : []))
}

/** A process and everything below it. */
export const allOf = ({ pid }: Started): readonly number[] => [pid, ...descendants(pid).map((one) => one.pid)]

/** SIGKILL for a process and everything below it, at once. Resolves when the process is gone. */
export async function killAll(started: Started): Promise<void> {
  for (const pid of allOf(started))
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It is gone with its parent.
    }
  await started.ended
}

function tryRead(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '0 () ? 0'
  }
}
