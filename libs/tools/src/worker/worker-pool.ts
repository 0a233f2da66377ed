// Workers for file and search tools: warm, one call each, ended when a call does not end in time or takes too much memory.
// A worker is a process: a thread's memory limit ends the whole process where it is reached inside V8 itself.
//   P1. A call has a worker of its own until it has ended; the next one waits for its turn, and its waiting counts as its time.
//   P2. A call whose time is over, or that is cancelled, is asked to stop and soon after ended with its worker.
//   P3. A worker that dies takes nothing with it: its call is told, its lock is let go, another worker takes its place.
//   P5. A worker that is confined may read the code that it runs, and nothing else: it writes no files, opens no connections, and starts
//       no programs and no threads. Node itself sees to that.
//   P4. To start a worker costs far more than a quick call, and more workers than cores make each of them slower: a further one is
//       started only while a call waits and every worker has been at its own call for a while. Quick calls, however many, wait for
//       the workers that there are.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { getCompileCacheDir } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ToolOutcome } from '../calls/outcome.ts'
import type { Locks } from '../calls/path-locks.ts'
import type { FromWorker, ToWorker, WorkerCall } from './messages.ts'

export interface WorkerPoolOptions {
  readonly locks: Locks
  /** Calls at once. */
  readonly most?: number
  /** Of the heap of one worker. */
  readonly memoryMb?: number
  /** Where something masked has been moved to: each worker is told when it starts. Absent: nowhere. */
  readonly moved?: () => readonly string[]
  /** P5: for tools that need nothing of this machine. */
  readonly confined?: boolean
}

export type WorkerResult =
  | { readonly kind: 'ended'; readonly outcome: ToolOutcome }
  | { readonly kind: 'died'; readonly outOfMemory: boolean }

/** From being asked to stop to being ended. */
const stopMs = 250
/** How long all workers are at their calls, while another call waits, before a further one is started (P4). */
const growAfterMs = 50
/** Before another one is started in the place of a worker that died before it could take a call. */
const startAgainMs = 1000
/** A worker that nobody needed for so long goes, but for one, which stays warm. */
const idleMs = 30_000

/** Its start costs a third less where Node finds what this process has compiled. Node's folder lies in the one that Node is given. */
function compileCache(): Readonly<Record<string, string>> {
  const folder = getCompileCacheDir()
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: path.dirname(folder) }
}

/** P5. Where this file and what it imports lie. */
function confinement(): readonly string[] {
  const at = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
  const folders = [at('../../..'), at('../../../../node_modules/')]
  return [
    '--permission',
    '--no-warnings',
    ...folders.map((folder) => `--allow-fs-read=${folder}*`),
    `--allow-fs-read=${at('../../../../package.json')}`,
  ]
}

interface Member {
  readonly worker: ChildProcess
  idle: NodeJS.Timeout | undefined
  ready: boolean
  /** Of the call that it runs. `since` in ms, as performance.now() counts. */
  current: { readonly since: number; ended(result: WorkerResult): void; letGo(): void } | undefined
}

export class WorkerPool {
  readonly #locks: Locks
  readonly #most: number
  readonly #memoryMb: number
  readonly #moved: () => readonly string[]
  readonly #confined: boolean
  readonly #members = new Set<Member>()
  readonly #free: Member[] = []
  readonly #waiting: ((member: Member) => void)[] = []
  #growing: NodeJS.Timeout | undefined
  #closed = false

  /** Whoever makes it closes it. */
  constructor({ locks, most = 8, memoryMb = 192, moved = () => [], confined = false }: WorkerPoolOptions) {
    this.#moved = moved
    this.#confined = confined
    this.#locks = locks
    this.#most = most
    this.#memoryMb = memoryMb
    this.#spawn()
  }

  get size(): number {
    return this.#members.size
  }

  /** Rejects with the signal's reason when it aborts before the call has ended. */
  async run(call: WorkerCall, signal: AbortSignal): Promise<WorkerResult> {
    const member = await this.#acquire(signal)
    const ended = Promise.withResolvers<WorkerResult>()
    let letGo = () => {}
    let stopping: NodeJS.Timeout | undefined
    const onAbort = () => {
      send(member, { kind: 'cancel' })
      stopping = setTimeout(() => {
        ended.reject(signal.reason)
        void this.#end(member)
      }, stopMs)
    }
    const onMessage = (message: FromWorker) => {
      switch (message.kind) {
        case 'done':
          ended.resolve({ kind: 'ended', outcome: message.outcome })
          break
        case 'lock':
          letGo = this.#lock(member, message.key)
          break
        case 'unlock':
          letGo()
          break
        case 'ready':
          break
        default:
          message satisfies never
      }
    }
    member.current = { since: performance.now(), ended: ended.resolve, letGo: () => letGo() }
    member.worker.on('message', onMessage)
    signal.addEventListener('abort', onAbort, { once: true })
    member.worker.channel?.ref()
    try {
      send(member, { kind: 'run', call })
      if (signal.aborted) onAbort()
      const result = await ended.promise
      // It stopped because it was asked to: why, the caller knows.
      if (signal.aborted && result.kind === 'ended' && result.outcome.code === 'cancelled') throw signal.reason
      return result
    } finally {
      clearTimeout(stopping)
      member.worker.channel?.unref()
      signal.removeEventListener('abort', onAbort)
      member.worker.off('message', onMessage)
      letGo()
      member.current = undefined
      if (this.#members.has(member)) this.#release(member)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#growing)
    await Promise.all([...this.#members].map((member) => this.#end(member)))
  }

  /** P1. */
  async #acquire(signal: AbortSignal): Promise<Member> {
    signal.throwIfAborted()
    const free = this.#free.pop()
    if (free) {
      clearTimeout(free.idle)
      return free
    }
    const turn = Promise.withResolvers<Member>()
    const take = (member: Member) => turn.resolve(member)
    const onAbort = () => {
      this.#waiting.splice(this.#waiting.indexOf(take) >>> 0, 1)
      turn.reject(signal.reason)
    }
    this.#waiting.push(take)
    this.#grow()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await turn.promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** P4. Looks again for as long as calls wait. */
  #grow(): void {
    if (this.#growing || this.#waiting.length === 0 || this.#members.size >= this.#most) return
    this.#growing = setTimeout(() => {
      this.#growing = undefined
      if (this.#closed) return
      const before = performance.now() - growAfterMs
      const held = [...this.#members].every(({ current }) => current !== undefined && current.since <= before)
      if (this.#waiting.length > 0 && this.#members.size < this.#most && held) this.#spawn()
      this.#grow()
    }, growAfterMs)
  }

  #release(member: Member): void {
    const next = this.#waiting.shift()
    if (next) {
      next(member)
      return
    }
    this.#free.push(member)
    clearTimeout(member.idle)
    member.idle = setTimeout(() => {
      if (this.#members.size > 1 && !member.current) void this.#end(member)
    }, idleMs).unref()
  }

  /** It is free, or takes the first call that waits, once it is ready. */
  #spawn(): void {
    const worker = fork(fileURLToPath(new URL('./file-worker.ts', import.meta.url)), [], {
      // A worker has no use for the keys that stand in this process's environment, nor for its flags.
      env: this.#confined ? {} : compileCache(),
      execArgv: [`--max-old-space-size=${this.#memoryMb}`, ...(this.#confined ? confinement() : [])],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    worker.unref()
    const member: Member = { worker, idle: undefined, ready: false, current: undefined }
    this.#members.add(member)
    worker.once('message', () => {
      member.ready = true
      worker.channel?.unref()
      const paths = this.#moved()
      if (paths.length > 0) send(member, { kind: 'moved', paths })
      if (this.#members.has(member)) this.#release(member)
    })
    worker.on('error', () => {
      member.current?.ended({ kind: 'died', outOfMemory: false })
      this.#gone(member)
    })
    worker.on('exit', (_, signal) => {
      // V8 aborts where its heap is full.
      member.current?.ended({ kind: 'died', outOfMemory: signal === 'SIGABRT' })
      this.#gone(member)
    })
  }

  /** P3. */
  #gone(member: Member): void {
    if (!this.#members.delete(member)) return
    clearTimeout(member.idle)
    const at = this.#free.indexOf(member)
    if (at >= 0) this.#free.splice(at, 1)
    member.current?.letGo()
    if (this.#closed) return
    // The next call finds a warm one, or the one that waits gets it.
    if (this.#waiting.length === 0 && this.#members.size > 0) return
    if (member.ready) this.#spawn()
    else setTimeout(() => this.#closed || this.#spawn(), startAgainMs).unref()
  }

  async #end(member: Member): Promise<void> {
    this.#gone(member)
    const { worker } = member
    if (worker.exitCode !== null || worker.signalCode !== null || worker.pid === undefined) return
    const exit = once(worker, 'exit')
    worker.ref() // Nothing else may keep this process alive until it has heard of the exit.
    worker.kill('SIGKILL')
    await exit
  }

  /** Held for the worker until it lets go or is gone. */
  #lock(member: Member, key: string): () => void {
    const released = Promise.withResolvers<void>()
    const waiting = new AbortController()
    this.#locks
      .hold(key, waiting.signal, () => {
        send(member, { kind: 'locked' })
        return released.promise
      })
      .catch(() => {})
    return () => {
      waiting.abort()
      released.resolve()
    }
  }
}

/** To one that is gone nothing is said: its exit tells. */
const send = ({ worker }: Member, message: ToWorker): void => {
  if (worker.connected) worker.send(message, () => {})
}
