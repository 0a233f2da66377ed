// One service as a real process of its own: the product's binary, which a test stops, continues, ends and kills.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { ServiceName } from '@reins/contracts'
import { bundledBinary, sourceBinary } from '../../scripts/bundle.ts'
import { compileCache, showLogs } from './config.ts'

export interface ServiceOptions {
  readonly name: ServiceName
  readonly environment: Readonly<Record<string, string>>
  readonly cwd: string
  /** Whether Node reads the sources themselves. Default: their bundle, which starts in half the time. */
  readonly fromSources?: boolean
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ServiceProcess {
  readonly name: ServiceName
  readonly pid: number
  /** Of a gateway. */
  readonly url: string
  /** The name that stands in `by` of its frames, once it has said it in its log. */
  instance(): string | undefined
  /** Resolves when it stands at its pause point; rejects when it ends before. */
  paused(): Promise<void>
  isPaused(): boolean
  /** kill -9; resolves when it is gone. */
  kill(): Promise<Exit>
  /** SIGTERM; resolves when it is gone. */
  terminate(): Promise<Exit>
  stop(): void
  continue(): void
  alive(): boolean
  /** The last lines of its log. */
  log(): readonly string[]
}

/** A service dies with the test that started it, where the machine can see to that: also when the test itself is killed. */
const tether =
  process.platform === 'linux' && spawnSync('setpriv', ['--pdeathsig', 'KILL', '--', 'true']).status === 0
    ? ['setpriv', '--pdeathsig', 'KILL', '--']
    : []
const readyWithinMs = 120_000
const keptLines = 400

/** Resolves when it has said that it is ready. The caller ends it. */
export async function startService(options: ServiceOptions): Promise<ServiceProcess> {
  const { name, environment, cwd } = options
  const binary = options.fromSources ? sourceBinary : await bundledBinary()
  const [program = process.execPath, ...args] = [...tether, process.execPath, binary, 'service', name]
  const child = spawn(program, args, {
    cwd,
    env: {
      ...compileCache,
      ...environment,
      PATH: `${path.dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      HOME: cwd,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = new Promise<Exit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
  const output = watchOutput(child, name)
  const paused = Promise.withResolvers<void>()
  paused.promise.catch(() => undefined)
  output.onPaused = () => paused.resolve()
  void exited.then(() => paused.reject(new Error(`${name} ended before it came to its pause point`)))
  const url = await readyLine(child, name, exited, output.lines)
  let gone = false
  void exited.then(() => {
    gone = true
  })
  const signal = (what: NodeJS.Signals): void => {
    if (!gone) child.kill(what)
  }
  return {
    name,
    pid: child.pid ?? 0,
    url,
    instance: () => output.instance,
    paused: () => paused.promise,
    isPaused: () => output.isPaused,
    kill: () => {
      signal('SIGKILL')
      return exited
    },
    terminate: () => {
      signal('SIGCONT')
      signal('SIGTERM')
      return exited
    },
    stop: () => signal('SIGSTOP'),
    continue: () => signal('SIGCONT'),
    alive: () => !gone,
    log: () => output.lines,
  }
}

interface Output {
  readonly lines: string[]
  instance: string | undefined
  isPaused: boolean
  onPaused: () => void
}

function watchOutput(child: ChildProcess, name: string): Output {
  const output: Output = { lines: [], instance: undefined, isPaused: false, onPaused: () => undefined }
  if (!child.stderr) throw new Error('a service without stderr')
  createInterface({ input: child.stderr }).on('line', (line) => {
    output.lines.push(line)
    if (output.lines.length > keptLines) output.lines.shift()
    if (showLogs) process.stderr.write(`${name} ${child.pid}: ${line}\n`)
    if (line.startsWith('paused ')) {
      output.isPaused = true
      output.onPaused()
    }
    output.instance ??= /"instance":"([^"]+)"/.exec(line)?.[1]
  })
  return output
}

async function readyLine(
  child: ChildProcess,
  name: string,
  exited: Promise<Exit>,
  log: readonly string[],
): Promise<string> {
  const { stdout } = child
  if (!stdout) throw new Error('a service without stdout')
  const ready = new Promise<string>((resolve) => {
    createInterface({ input: stdout }).on('line', (line) => {
      if (line.startsWith('ready ')) resolve(line.slice('ready '.length))
    })
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} was not ready in time\n${log.join('\n')}`)), readyWithinMs)
  })
  const ended = exited.then(({ code }): never => {
    throw new Error(`${name} ended with ${code} before it was ready\n${log.join('\n')}`)
  })
  try {
    return await Promise.race([ready, ended, late])
  } finally {
    clearTimeout(timer)
  }
}
