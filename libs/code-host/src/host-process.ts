// One host: a child process with one bundle in it, from its start to its end.
//   P1. Whatever comes from it is its code's word (M1): what is of no known form ends it, and it may say only so much.
//   P2. `run` never rejects. A call ends once: by its own word, or with its host.
//   P3. Whether a call's code began is known: a host says so before it lets it run, and what it said is read before it counts as gone.
//   P4. A host that was told to stop a call and does not, or in which a call's code goes on after its end, is retired: it takes no more
//       calls, and ends when its last call has ended.
import type { Readable } from 'node:stream'
import type { SandboxProcess } from '@reins/tools'
import { FrameReader, frameOf } from './frames.ts'
import type { HostCommand } from './host-command.ts'
import { spawnHost } from './host-command.ts'
import { hostModules } from './host-modules.ts'
import type { CallEnd, CallFacts, FoundExport, HostLimits, LogLevel, ToHost } from './messages.ts'
import { readWord, type Word } from './words.ts'

export interface HostBundle {
  /** As people know it, for messages. */
  readonly file: string
  readonly text: string
}

export interface HostOptions extends HostCommand {
  readonly bundle: HostBundle
  readonly limits: HostLimits
  /** ms in which the bundle must have loaded. */
  readonly loadMs: number
}

export interface HostLog {
  readonly level: LogLevel
  readonly message: string
  readonly attributes?: unknown
}

export interface HostCall {
  readonly what: string
  readonly name: string
  readonly input: unknown
  readonly facts: CallFacts
  readonly progress: (text: string) => void
  readonly log: (entry: HostLog) => void
  /** What the host asks for on behalf of the call. A rejection's message goes to its code. */
  readonly request: (what: string, value: unknown) => Promise<unknown>
}

export type HostDeath = 'ended' | 'out-of-memory' | 'exited' | 'said-nonsense' | 'never-began'

export type HostAnswer = CallEnd | { readonly kind: 'lost'; readonly began: boolean; readonly death: HostDeath }

export type HostStart =
  | { readonly kind: 'started'; readonly host: HostProcess; readonly found: readonly FoundExport[] }
  /** The bundle's fault: it throws, loops, or exits while it loads. */
  | { readonly kind: 'not-loaded'; readonly message: string }
  /** The machine's: no sandbox, no process. */
  | { readonly kind: 'refused'; readonly message: string }

/** From being told to stop to counting as one that does not. */
const stopMs = 500
/** Frames of a host, for each call that it was given and to begin with. */
const bytesPerCall = 24 * 1024 * 1024
const longestFrame = 16 * 1024 * 1024
const stderrChars = 4_000

interface Running {
  readonly call: HostCall
  readonly answer: PromiseWithResolvers<HostAnswer>
  began: boolean
}

export class HostProcess {
  readonly #process: SandboxProcess
  readonly #calls = new Map<number, Running>()
  readonly #pings = new Map<number, (answers: boolean) => void>()
  readonly #gone = Promise.withResolvers<HostDeath>()
  readonly #loaded = Promise.withResolvers<Extract<Word, { kind: 'loaded' | 'not-loaded' }>>()
  #death: HostDeath | undefined
  #retired = false
  #bytesLeft = bytesPerCall
  #ids = 0
  #stderr = ''

  private constructor(process: SandboxProcess, bundle: HostBundle, limits: HostLimits) {
    this.#process = process
    const [input, output] = process.streams
    if (!input || !output) throw new RangeError('a host has two descriptors')
    const reader = new FrameReader(
      longestFrame,
      (message) => this.#hear(message),
      () => this.#kill('said-nonsense'),
    )
    output.on('data', (chunk: Buffer) => {
      this.#bytesLeft -= chunk.length
      if (this.#bytesLeft < 0) this.#kill('said-nonsense')
      else reader.push(chunk)
    })
    for (const stream of [input, output]) stream.on('error', () => {})
    process.stdout.resume()
    this.#readStderr(process.stderr)
    void this.#watch()
    this.#send({ kind: 'start', modules: hostModules().modules, bundle, limits })
  }

  /** Whoever starts it ends it. */
  static async start({ bundle, limits, loadMs, ...command }: HostOptions, signal: AbortSignal): Promise<HostStart> {
    const spawned = spawnHost(command)
    if (spawned.kind === 'refused') return { kind: 'refused', message: spawned.message }
    const host = new HostProcess(spawned.process, bundle, limits)
    const late = Promise.withResolvers<'late'>()
    const timer = setTimeout(() => late.resolve('late'), loadMs)
    const onAbort = () => host.end()
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    const first = await Promise.race([host.#loaded.promise, host.#gone.promise, late.promise])
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    if (typeof first === 'object' && first.kind === 'loaded') return { kind: 'started', host, found: first.found }
    host.end()
    if (typeof first === 'object') return { kind: 'not-loaded', message: first.message }
    if (first === 'never-began')
      return { kind: 'refused', message: `a host could not be started: ${host.#stderr.trim() || 'it ended at once'}` }
    return {
      kind: 'not-loaded',
      message: first === 'late' ? `it did not load within ${loadMs / 1000} s` : loadText[first],
    }
  }

  /** Calls that it has and has not ended. */
  get load(): number {
    return this.#calls.size
  }

  /** Whether it may be given calls. */
  get usable(): boolean {
    return this.#death === undefined && !this.#retired
  }

  /** Resolves when its process is gone. */
  get gone(): Promise<HostDeath> {
    return this.#gone.promise
  }

  /** Whether it answers at once: one in which a loop runs does not. */
  async answers(withinMs: number): Promise<boolean> {
    if (!this.usable) return false
    const id = ++this.#ids
    const heard = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => heard.resolve(false), withinMs)
    this.#pings.set(id, heard.resolve)
    this.#send({ kind: 'ping', id })
    const answer = await heard.promise
    clearTimeout(timer)
    this.#pings.delete(id)
    return answer
  }

  /** P2, P3, P4. Rejects with the signal's reason where it aborts first. */
  async run(call: HostCall, signal: AbortSignal): Promise<HostAnswer> {
    signal.throwIfAborted()
    if (this.#death !== undefined) return { kind: 'lost', began: false, death: this.#death }
    const id = ++this.#ids
    const running: Running = { call, answer: Promise.withResolvers(), began: false }
    const stopped = Promise.withResolvers<never>()
    stopped.promise.catch(() => {})
    let stopping: NodeJS.Timeout | undefined
    const onAbort = () => {
      this.#send({ kind: 'cancel', id })
      stopping = setTimeout(() => {
        this.#retired = true
        stopped.reject(signal.reason)
      }, stopMs)
    }
    this.#calls.set(id, running)
    this.#bytesLeft = bytesPerCall * (this.#calls.size + 1)
    signal.addEventListener('abort', onAbort, { once: true })
    this.#send({ kind: 'run', id, what: call.what, name: call.name, input: call.input, facts: call.facts })
    try {
      const answer = await Promise.race([running.answer.promise, stopped.promise])
      // It stopped because it was told to: why, the caller knows.
      if (signal.aborted && answer.kind === 'error') throw signal.reason
      return answer
    } finally {
      clearTimeout(stopping)
      signal.removeEventListener('abort', onAbort)
      this.#calls.delete(id)
      if (this.#retired && this.#calls.size === 0) this.end()
    }
  }

  /** It takes no more calls, and ends when it has none. */
  retire(): void {
    this.#retired = true
    if (this.#calls.size === 0) this.end()
  }

  /** At once, with all its calls. */
  end(): void {
    this.#kill('ended')
  }

  #kill(why: HostDeath): void {
    this.#death ??= why
    this.#process.stop(0)
  }

  async #watch(): Promise<void> {
    const exit = await this.#process.exit
    const outOfMemory = /heap out of memory|Failed to reserve|out of memory/i.test(this.#stderr)
    this.#death ??= exit.kind === 'not-started' ? 'never-began' : outOfMemory ? 'out-of-memory' : 'exited'
    if (exit.kind === 'not-started') this.#stderr = exit.message
    const death = this.#death
    this.#gone.resolve(death)
    for (const heard of this.#pings.values()) heard(false)
    for (const { answer, began } of this.#calls.values()) answer.resolve({ kind: 'lost', began, death })
  }

  /** Its last words; what its code writes there itself goes nowhere. */
  #readStderr(stderr: Readable): void {
    stderr.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString('latin1', Math.max(0, chunk.length - stderrChars))).slice(
        -stderrChars,
      )
    })
    stderr.on('error', () => {})
  }

  #send(message: ToHost): void {
    this.#process.streams[0]?.write(frameOf(message))
  }

  #hear(message: unknown): void {
    const word = readWord(message)
    if (word === undefined) {
      this.#kill('said-nonsense')
      return
    }
    switch (word.kind) {
      case 'loaded':
      case 'not-loaded':
        this.#loaded.resolve(word)
        break
      case 'pong':
        this.#pings.get(word.id)?.(true)
        break
      case 'log':
        // What no call waited for is nobody's.
        if (word.id !== undefined) this.#calls.get(word.id)?.call.log(word)
        break
      case 'began': {
        const running = this.#calls.get(word.id)
        if (running) running.began = true
        break
      }
      case 'progress':
        this.#calls.get(word.id)?.call.progress(word.text)
        break
      case 'request':
        void this.#ask(word)
        break
      case 'done':
        if (word.end.kind === 'error' && word.end.goesOn) this.#retired = true
        this.#calls.get(word.id)?.answer.resolve(word.end)
        break
      default:
        word satisfies never
    }
  }

  async #ask({ id, request, what, value }: Extract<Word, { kind: 'request' }>): Promise<void> {
    const running = this.#calls.get(id)
    if (!running) return
    try {
      const answer = await running.call.request(what, value)
      // What was taken does not count any more: an answer may be streamed for hours.
      this.#bytesLeft = bytesPerCall * (this.#calls.size + 1)
      this.#send({ kind: 'answer', request, answer: { kind: 'ok', value: answer } })
    } catch (error) {
      const message = error instanceof Error ? error.message : 'it could not be had'
      this.#send({ kind: 'answer', request, answer: { kind: 'refused', message } })
    }
  }
}

const loadText: Readonly<Record<Exclude<HostDeath, 'never-began'>, string>> = {
  ended: 'loading it was stopped',
  'out-of-memory': 'it needed more memory than it may have while it loaded',
  exited: 'it ended the process while it loaded',
  'said-nonsense': 'it disturbed its host while it loaded',
}
