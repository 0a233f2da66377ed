// One host: a child process with one bundle in it, from its start to its end.
//   P1. Whatever comes from it is its code's word (M1): what is of no known form ends it, and it may say only so much.
//   P2. `run` never rejects. A call ends once: by its own word, or with its host.
//   P3. Whether a call's code began is known: a host says so before it lets it run, and what it said is read before it counts as gone.
//   P4. A host that was told to stop a call and does not, or in which a call's code goes on after its end, is retired: it takes no more
//       calls, and ends when its last call has ended.
//   P5. What a host asks for is bounded while it has no answer, in number and in bytes; an answer waits until the host has taken the ones
//       before it. So a host that asks and does not listen costs no memory here.
//   P6. How much a call may log and show is counted here too: the host counts it for code that means well.
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
/** P5: of one call. A replay asks for two thousand operations at once. */
const mostAsked = 4_096
/** P6. Of one line, and of its attributes as JSON: hosts cut at half of that. */
const lineChars = 8_000
/** P6. What a host adds itself where it cuts. */
const noteChars = 1_000

interface Running {
  readonly call: HostCall
  readonly answer: PromiseWithResolvers<HostAnswer>
  began: boolean
  /** P5. */
  asked: number
  /** P6: characters. */
  shown: number
  logged: number
}

export class HostProcess {
  readonly #process: SandboxProcess
  readonly #calls = new Map<number, Running>()
  readonly #pings = new Map<number, (answers: boolean) => void>()
  readonly #gone = Promise.withResolvers<HostDeath>()
  readonly #loaded = Promise.withResolvers<Extract<Word, { kind: 'loaded' | 'not-loaded' }>>()
  /** All who wait for room wait for the same. */
  #draining: Promise<void> | undefined
  #death: HostDeath | undefined
  #retired = false
  #bytesLeft = bytesPerCall
  /** Of requests that have no answer yet. */
  #askedBytes = 0
  /** P5: answers go one after the other. */
  #answers: Promise<void> = Promise.resolve()
  readonly #limits: HostLimits
  #ids = 0
  #stderr = ''

  private constructor(process: SandboxProcess, bundle: HostBundle, limits: HostLimits) {
    this.#process = process
    this.#limits = limits
    const [input, output] = process.streams
    if (!input || !output) throw new RangeError('a host has two descriptors')
    const reader = new FrameReader(
      longestFrame,
      (message, bytes) => this.#hear(message, bytes),
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
    const running: Running = {
      ...{ call, answer: Promise.withResolvers<HostAnswer>(), began: false },
      ...{ asked: 0, shown: 0, logged: 0 },
    }
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
    this.#allow()
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

  #hear(message: unknown, bytes: number): void {
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
        this.#log(word)
        break
      case 'began': {
        const running = this.#calls.get(word.id)
        if (running) running.began = true
        break
      }
      case 'progress':
        this.#show(word)
        break
      case 'request':
        void this.#ask(word, bytes)
        break
      case 'done':
        if (word.end.kind === 'error' && word.end.goesOn) this.#retired = true
        this.#calls.get(word.id)?.answer.resolve(word.end)
        break
      default:
        word satisfies never
    }
  }

  /** What was taken does not count any more: an answer may be streamed for hours. */
  #allow(): void {
    this.#bytesLeft = bytesPerCall * (this.#calls.size + 1) - this.#askedBytes
  }

  /** P6. What no call waited for is nobody's. */
  #log(word: Extract<Word, { kind: 'log' }>): void {
    const running = word.id === undefined ? undefined : this.#calls.get(word.id)
    if (!running || running.logged > this.#limits.logChars + noteChars) return
    const { level, attributes } = word
    const message = word.message.slice(0, lineChars)
    const chars = attributes === undefined ? 0 : jsonChars(attributes)
    const fits = chars <= lineChars
    running.logged += message.length + (fits ? chars : 0)
    running.call.log({ level, message, ...(attributes === undefined || !fits ? {} : { attributes }) })
  }

  /** P6. */
  #show({ id, text }: Extract<Word, { kind: 'progress' }>): void {
    const running = this.#calls.get(id)
    const room = this.#limits.progressChars + noteChars - (running?.shown ?? 0)
    if (!running || room <= 0) return
    const shown = text.slice(0, room)
    running.shown += shown.length
    running.call.progress(shown)
  }

  /** P5. */
  async #ask({ id, request, what, value }: Extract<Word, { kind: 'request' }>, bytes: number): Promise<void> {
    const running = this.#calls.get(id)
    if (!running) return
    if (running.asked >= mostAsked) {
      this.#kill('said-nonsense')
      return
    }
    running.asked += 1
    this.#askedBytes += bytes
    const answer = await answerOf(async () => running.call.request(what, value))
    this.#answers = this.#answers.then(async () => {
      await this.#room()
      try {
        this.#send({ kind: 'answer', request, answer })
      } catch (error) {
        this.#send({ kind: 'answer', request, answer: refusedBy(error) })
      }
      running.asked -= 1
      this.#askedBytes -= bytes
      this.#allow()
    })
  }

  /** Until its pipe takes more, or it is gone. */
  async #room(): Promise<void> {
    const [input] = this.#process.streams
    if (!input?.writableNeedDrain || this.#death !== undefined) return
    this.#draining ??= this.#drained(input).finally(() => {
      this.#draining = undefined
    })
    await this.#draining
  }

  async #drained(input: NodeJS.WritableStream): Promise<void> {
    const drained = Promise.withResolvers<void>()
    const done = () => drained.resolve()
    input.once('drain', done).once('close', done)
    await Promise.race([drained.promise, this.#gone.promise])
    input.off('drain', done).off('close', done)
  }
}

type RequestAnswer = Extract<ToHost, { kind: 'answer' }>['answer']

const answerOf = (ask: () => Promise<unknown>): Promise<RequestAnswer> =>
  ask().then((value): RequestAnswer => ({ kind: 'ok', value }), refusedBy)

const refusedBy = (error: unknown): RequestAnswer => ({
  kind: 'refused',
  message: error instanceof Error ? error.message : 'it could not be had',
})

/** Infinite: it is nested so deep that it cannot be written. */
function jsonChars(value: unknown): number {
  try {
    return JSON.stringify(value)?.length ?? 0
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

const loadText: Readonly<Record<Exclude<HostDeath, 'never-began'>, string>> = {
  ended: 'loading it was stopped',
  'out-of-memory': 'it needed more memory than it may have while it loaded',
  exited: 'it ended the process while it loaded',
  'said-nonsense': 'it disturbed its host while it loaded',
}
