// A confined process and its end. Knows nothing of how it is confined: it gets a program, its arguments and its environment.
//   C1. The process leads a session of its own; nothing reaches it by a terminal, and its group can be signalled.
//   C2. TERM goes to what the command started, found as descendants, also those that left the group. The outermost processes
//       are spared: they are the sandbox's own, and their end would cut the command's time to clean up.
//   C3. KILL goes to the group and to all descendants; with a PID namespace the rest follows by itself.
//   C4. `exit` waits for the streams, but not on what escaped with them open (possible without a PID namespace only).
import { type ChildProcess, spawn } from 'node:child_process'
import { Duplex, Readable } from 'node:stream'
import { filterFd, readyFd } from './inside.ts'
import type { Group } from './limits/groups.ts'
import { descendants, memoryOf } from './limits/process-tree.ts'
import type { SandboxExit, SandboxProcess, SpawnResult } from './sandbox.ts'

export interface ChildOptions {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** How many processes, counted from the outermost, belong to the sandbox itself (C2). */
  readonly wrappers: number
  readonly input: 'none' | 'pipe'
  /** Further ones, from 4 to 9. */
  readonly descriptors: readonly number[]
  /** What the sandbox reads on `filterFd`. */
  readonly filter?: Buffer
  /** What bounds it; ended with it. Its entrances are among `passed`. */
  readonly group?: Group | undefined
  /** Descriptors of this process, by the number that each has in the other one; they are still the caller's to close. */
  readonly passed?: ReadonlyMap<number, number>
}

const drainMs = 1_000

export function spawnChild(options: ChildOptions): SpawnResult {
  const further = options.filter === undefined ? options.descriptors : [...options.descriptors, filterFd]
  let child: ChildProcess
  const { passed = new Map<number, number>() } = options
  try {
    child = spawn(options.program, [...options.args], {
      cwd: options.cwd,
      env: { ...options.env },
      detached: true,
      stdio: [
        options.input === 'pipe' ? 'pipe' : 'ignore',
        ...['pipe' as const, 'pipe' as const, 'pipe' as const],
        ...Array.from({ length: Math.max(readyFd, ...further, ...passed.keys()) - readyFd }, (_, at) => {
          const fd = at + readyFd + 1
          return passed.get(fd) ?? (further.includes(fd) ? ('pipe' as const) : ('ignore' as const))
        }),
      ],
    })
  } catch (error) {
    options.group?.end()
    return notStarted(options.program, error)
  } finally {
    options.group?.closeEntrances()
  }
  let startError: Error | undefined
  child.on('error', (error) => {
    startError = error
  })
  const { stdout, stderr } = child
  const ready = child.stdio?.[readyFd]
  // Out of descriptors: there are no pipes then, and the error is told by an event later.
  if (!stdout || !stderr || !(ready instanceof Readable)) return notStarted(options.program, startError)

  const streams = options.descriptors.flatMap((fd) => {
    const stream = child.stdio.at(fd)
    return stream instanceof Duplex ? [stream] : []
  })
  const filter = options.filter === undefined ? undefined : child.stdio.at(filterFd)
  if (filter instanceof Duplex) {
    filter.on('error', () => {})
    filter.end(options.filter)
    filter.resume()
  }
  if (streams.length < options.descriptors.length) return notStarted(options.program, startError)
  // Who writes to a process that is gone is told by its exit.
  for (const stream of [child.stdin, ...streams]) stream?.on('error', () => {})

  let begun = false
  let gone = false
  let noise = ''
  ready.on('data', () => {
    begun = true
  })
  ready.on('error', () => {})
  stderr.on('data', (chunk: Buffer) => {
    if (!begun && noise.length < 2_000) noise += chunk.toString('utf8')
  })

  let outOfMemory = false
  let killTimer: NodeJS.Timeout | undefined
  const kill = () => {
    if (!gone && child.pid !== undefined) {
      const below = descendants(child.pid).flat()
      signal(-child.pid, 'SIGKILL')
      for (const pid of below) signal(pid, 'SIGKILL')
    }
  }
  const exit = new Promise<SandboxExit>((resolve) => {
    child.on('error', (error) => {
      options.group?.end()
      gone = true
      clearTimeout(killTimer)
      resolve({ kind: 'not-started', message: `${options.program} could not be started: ${error.message}` })
    })
    child.on('exit', () => {
      // What outlived the leader and stayed in its group; with a PID namespace there is nothing left.
      if (child.pid !== undefined) signal(-child.pid, 'SIGKILL')
      gone = true
      clearTimeout(killTimer)
      outOfMemory = options.group?.outOfMemory() ?? false
      options.group?.end()
      // C4. With a PID namespace the streams end by themselves, and nothing of a slow reader's may be cut.
      if (options.wrappers === 0)
        setTimeout(() => [stdout, stderr, ready, ...streams].map((stream) => stream.destroy()), drainMs).unref()
    })
    child.on('close', (code, by) => {
      if (!begun)
        resolve({
          kind: 'not-started',
          message: noise.trim() || `${options.program} ended with ${code ?? by} before the command began`,
        })
      else {
        const ended = { kind: 'exited' as const, code: code ?? 137, ...(by === null ? {} : { signal: by }) }
        resolve(outOfMemory ? { ...ended, outOfMemory: true } : ended)
      }
    })
  })

  const process: SandboxProcess = {
    stdout,
    stderr,
    stdin: child.stdin,
    streams,
    exit,
    memory: (limit) =>
      memoryOf(gone || child.pid === undefined ? [] : [child.pid, ...descendants(child.pid).flat()], limit),
    stop(graceMs) {
      if (gone || child.pid === undefined) return
      const below = descendants(child.pid)
        .slice(Math.max(0, options.wrappers - 1))
        .flat()
      for (const pid of options.wrappers === 0 ? [child.pid, ...below] : below) signal(pid, 'SIGTERM')
      clearTimeout(killTimer)
      if (graceMs <= 0 || (below.length === 0 && options.wrappers > 0)) kill()
      else killTimer = setTimeout(kill, graceMs)
    },
  }
  return { kind: 'started', process }
}

function notStarted(program: string, error: unknown): SpawnResult {
  const reason = error instanceof Error ? error.message : 'this process has too many files open'
  return { kind: 'refused', message: `${program} could not be started: ${reason}` }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone already.
  }
}
