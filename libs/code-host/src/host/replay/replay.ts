// A replay of the code that decides for a session: the code runs from its beginning, and is given what is recorded.
//   RP1. Each operation takes the next position when it is asked for. What is recorded at that position must be the same operation with
//        the same name; anything else is a divergence, and ends the replay.
//   RP2. Code is told of ends in the order in which they were recorded, one at a time; what it does about one end, it does before it is
//        told of the next. So the same ends lead to the same operations at the same positions.
//   RP3. Where nothing of the code runs, and all that it has asked for is open, the replay is at its end: it keeps nothing.
//   RP4. What code gets is what a replay would get: values go through JSON first.
//   RP5. A line of the log that an earlier replay has recorded is written no more. Lines of steps are new whenever they are written.
//   RP6. What is dispatched is a step: it is announced, done and recorded. Inside of the function of a step it is a part of that one.
//   RP7. What new prompts show goes over one pipe, which takes so much of one replay: more fails the run, and no host.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { LiveTools } from '@reins/agent'
import type { ProjectModule } from '@reins/agent/project'
import type { RunEnd, RunHistory, RunInput, RunResult } from '../../messages.ts'
import { runContext } from './flow.ts'
import { askedTool } from '../harness/asked-tool.ts'
import { imageBytes, imageLimits } from '../harness/prompt-images.ts'
import { asJson } from '../json.ts'
import { type Ask, keyedDispatches, withKey } from './keyed-dispatches.ts'
import { readPause } from './pauses.ts'
import { messageOf, whereOf } from '../thrown.ts'

export interface ReplayPorts {
  /** Asks whoever runs the replay. */
  request(what: string, value: unknown): Promise<unknown>
  readonly log: RunLog
  readonly signal: AbortSignal
  /** The code gives functions with the operation at this position. */
  given?(position: number, live: LiveTools): void
  /** Of the project, by their names. */
  readonly agents: Readonly<Record<string, ProjectModule>>
  /** Agents that no module exports. */
  readonly inline: readonly object[]
}

type Operation = RunHistory['operation']

export type RunAttributes = Readonly<Record<string, unknown>>
export type RunLog = Readonly<
  Record<'debug' | 'info' | 'warn' | 'error', (message: string, attributes?: RunAttributes) => void>
>

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

const never = new Promise<never>(() => {})
/** With the tries of whoever sends it. */
const dispatchSeconds = 60
const compactSeconds = 900

/** What goes wrong with an operation, as the code sees it. */
export class OperationError extends Error {
  readonly code: string
  constructor({ code, message, name }: { readonly code: string; readonly message: string; readonly name?: string }) {
    super(message)
    this.name = name ?? 'OperationError'
    this.code = code
  }
}

export class RunReplay {
  readonly #input: RunInput
  readonly #ports: ReplayPorts
  readonly #end = Promise.withResolvers<RunEnd>()
  /** Positions in the order of their ends (RP2). */
  readonly #ends: { readonly position: number; readonly result: RunResult }[]
  readonly #waiting = new Map<number, Waiting>()
  /** The position of the step whose function this is, and how that asks for something (RP6). */
  readonly #inStep = new AsyncLocalStorage<{ readonly position: number; readonly ask: Ask }>()
  readonly #log: RunLog
  #lines = 0
  #logged = 0
  #position = 0
  #told = 0
  #telling = false
  /** Requests without an answer, and functions of steps that run. */
  #busy = 0
  /** Bytes of images. */
  #shown = 0
  #ended = false

  constructor(input: RunInput, ports: ReplayPorts) {
    this.#input = input
    this.#ports = ports
    const at = (level: keyof RunLog) => (message: string, attributes?: RunAttributes) =>
      this.#write(level, message, attributes)
    this.#log = Object.freeze({ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') })
    this.#ends = input.history
      .flatMap(({ result, order }, position) => (result && order !== undefined ? [{ position, result, order }] : []))
      .sort((a, b) => a.order - b.order)
  }

  run(workflow: (context: unknown) => unknown): Promise<RunEnd> {
    void this.#execute(workflow)
    return this.#end.promise
  }

  /** RP6. What the code asks for by itself. */
  request(what: string, value: unknown): Promise<unknown> {
    const inside = this.#inStep.getStore()
    if (inside) return inside.ask(what, value)
    if (what !== 'dispatch') return Promise.reject(new Error(`a workflow has nothing to ask for by "${what}"`))
    const { agent, id } = value as { readonly agent: string; readonly id: string }
    const keyed = withKey(value, [this.#input.session, String(this.#position)])
    const send = () => this.#ports.request('dispatch', keyed)
    return this.#step(`dispatch ${agent} ${id}`, send, { replay: 'safe', timeout: dispatchSeconds })
  }

  /** A step: its key makes it one compaction, however often it is asked for. */
  #compact(session: string): Promise<unknown> {
    const key = `compact-${this.#input.session}-${this.#position}`
    const ask = () => this.#ports.request('compact', { session, key })
    return this.#step(`compact ${session}`, ask, { replay: 'safe', timeout: compactSeconds })
  }

  async #execute(workflow: (context: unknown) => unknown): Promise<void> {
    try {
      const value = await workflow(this.#context())
      const json = asJson(value, this.#input.limits.valueChars, 'the workflow')
      if (json.kind === 'json')
        this.#finish({ kind: 'completed', ...(value === undefined ? {} : { output: JSON.parse(json.text) }) })
      else this.#finish({ kind: 'failed', error: { code: 'failed', message: json.message } })
    } catch (error) {
      this.#finish({ kind: 'failed', error: thrown(error) })
    }
  }

  #finish(end: RunEnd): void {
    if (this.#ended) return
    this.#ended = true
    this.#end.resolve(end)
  }

  #context() {
    const getConfig = (name: string) => this.#ask('config', String(name), {})
    if (this.#input.workflow)
      return runContext(
        this.#input,
        this.#input.workflow,
        { log: this.#log, agents: this.#ports.agents, inline: this.#ports.inline },
        {
          ask: (operation, name, more, live) => this.#ask(operation, nameOf(name), more, live),
          step: (name, run, options, key) => this.#step(name, run, options, key),
          compact: (session) => this.#compact(session),
          sleep: (duration, name) => this.#sleep(duration, name),
          inStep: () => this.#inStep.getStore() !== undefined,
          position: () => this.#position,
          getConfig,
          now: () => this.#value('now', 'now', () => Date.now()) as number,
          random: () => this.#value('random', 'random', () => Math.random()) as number,
          uuid: () => this.#value('uuid', 'uuid', () => crypto.randomUUID()) as string,
        },
      )
    return Object.freeze({
      input: Object.freeze({ agent: this.#input.agent }),
      session: Object.freeze({ id: this.#input.session }),
      log: this.#log,
      pause: (first: unknown, ...rest: unknown[]) => this.#pause(first, rest),
      agent: (message: unknown) => this.#agent(message),
      tool: (name: unknown, args: unknown) => this.#tool(name, args),
      step: (name: unknown, run: unknown, options: unknown) => this.#step(name, run, options),
      sleep: (duration: unknown) => this.#sleep(duration),
      getConfig,
      get_config: getConfig,
      now: () => this.#value('now', 'now', () => Date.now()) as number,
      random: () => this.#value('random', 'random', () => Math.random()) as number,
      uuid: () => this.#value('uuid', 'uuid', () => crypto.randomUUID()) as string,
    })
  }

  /** RP5. */
  #write(level: keyof RunLog, message: string, attributes: RunAttributes | undefined): void {
    const step = this.#inStep.getStore()?.position
    if (this.#ended || (step === undefined && this.#lines++ < this.#input.lines)) return
    const given = attributes === undefined ? undefined : plainAttributes(attributes)
    this.#ports.log[level](String(message), given)
    if (++this.#logged > this.#input.limits.logLines) return
    const json = given === undefined ? undefined : asJson(given, this.#input.limits.logChars)
    void this.#request('log', {
      ...{ level, message: String(message).slice(0, this.#input.limits.logChars) },
      ...(json?.kind === 'json' ? { attributes: JSON.parse(json.text) } : {}),
      ...(step === undefined ? {} : { step }),
    })
  }

  /** RP1. undefined: it is new, at this position. */
  #next(operation: Operation, name: string): { readonly position: number; readonly recorded?: RunHistory } | undefined {
    if (this.#ended) return undefined
    const position = this.#position++
    const recorded = this.#input.history[position]
    if (recorded && (recorded.operation !== operation || recorded.name !== name)) {
      const found = { operation, name }
      this.#finish({
        kind: 'diverged',
        position,
        recorded: { operation: recorded.operation, name: recorded.name },
        found,
      })
      return undefined
    }
    return recorded ? { position, recorded } : { position }
  }

  /** At once: it is recorded with what comes next. */
  #value(operation: 'now' | 'random' | 'uuid', name: string, make: () => unknown): unknown {
    const next = this.#next(operation, name)
    if (!next) throw new OperationError({ code: 'ended', message: 'the replay has ended' })
    const { position, recorded } = next
    if (recorded?.result?.kind === 'value') return recorded.result.value
    const value = make()
    void this.#request('value', { position, name, operation, value })
    return value
  }

  #ask(
    operation: Operation,
    name: string,
    more: Readonly<Record<string, unknown>>,
    live?: LiveTools,
  ): Promise<unknown> {
    const next = this.#next(operation, name)
    if (!next) return never
    const { position, recorded } = next
    if (live) this.#ports.given?.(position, live)
    if (!recorded && !this.#mayShow(more.images)) return never
    const told = this.#wait(position)
    if (!recorded)
      void this.#request(operation, { position, name, ...more }).then((answer) => this.#answered(position, answer))
    else this.#settle()
    return told
  }

  /** RP7. */
  #mayShow(images: unknown): boolean {
    if (!Array.isArray(images)) return true
    this.#shown += imageBytes(images)
    if (this.#shown <= imageLimits.bytesOfReplay) return true
    const message = `The code shows images of more than ${imageLimits.bytesOfReplay} bytes in prompts that run at the same time. Prompt with some of them, and wait for their answers.`
    this.#finish({ kind: 'failed', error: { code: 'too-much', message } })
    return false
  }

  /** The end of an operation, as the code is told it. */
  #wait(position: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(position, { resolve, reject })
      this.#tell()
    })
  }

  /** RP2. */
  #tell(): void {
    if (this.#telling || this.#ended) return
    const next = this.#nextEnd()
    const waiting = next && this.#waiting.get(next.position)
    if (!next || !waiting) return
    this.#telling = true
    this.#told += 1
    this.#waiting.delete(next.position)
    if (next.result.kind === 'value') waiting.resolve(next.result.value)
    else waiting.reject(new OperationError(next.result.error))
    // All that follows from it runs first.
    setImmediate(() => {
      this.#telling = false
      this.#tell()
      this.#settle()
    })
  }

  /** Values that the code was given at once are passed over. */
  #nextEnd() {
    for (;;) {
      const next = this.#ends[this.#told]
      const kind = next && this.#input.history[next.position]?.operation
      if (kind !== 'now' && kind !== 'random' && kind !== 'uuid') return next
      if (next && next.position >= this.#position) return undefined
      this.#told += 1
    }
  }

  async #request(what: string, value: unknown): Promise<unknown> {
    this.#busy += 1
    try {
      return await this.#ports.request(what, value)
    } catch (error) {
      return { kind: 'ended', result: { kind: 'error', error: { code: 'failed', message: messageOf(error) } } }
    } finally {
      this.#busy -= 1
      this.#settle()
    }
  }

  #answered(position: number, answer: unknown): void {
    const { kind, result } = (answer ?? {}) as { readonly kind?: string; readonly result?: RunResult }
    if (kind !== 'ended' || !result) return
    this.#ends.push({ position, result })
    this.#tell()
  }

  /** RP3. */
  #settle(): void {
    if (!this.#mayEnd()) return
    setImmediate(() => {
      if (this.#mayEnd()) this.#finish({ kind: 'suspended' })
    })
  }

  #mayEnd(): boolean {
    if (this.#ended || this.#telling || this.#busy > 0 || this.#waiting.size === 0) return false
    const next = this.#nextEnd()
    return !next || !this.#waiting.has(next.position)
  }

  #pause(first: unknown, rest: readonly unknown[]): Promise<unknown> {
    const named = typeof first === 'string' && rest.length > 0
    const given: unknown = named ? rest[0] : first
    const asOption = named && typeof given === 'object' && given !== null && Object.hasOwn(given, 'output')
    const read = readPause(asOption ? (given as { output: unknown }).output : given)
    if (read.kind === 'wrong') return Promise.reject(withName(new TypeError(read.message), 'PauseError'))
    return this.#ask('pause', named ? nameOf(first) : 'pause', { output: read.output })
  }

  #agent(message: unknown): Promise<unknown> {
    if (typeof message !== 'string' || message.trim() === '')
      return Promise.reject(
        new TypeError(`ctx.agent() takes a text, not ${message === '' ? 'an empty one' : typeof message}`),
      )
    return this.#ask('call', 'agent', { message })
  }

  #tool(name: unknown, args: unknown): Promise<unknown> {
    const asked = askedTool(name, args, this.#input.limits.valueChars)
    if (asked instanceof Error) return Promise.reject(asked)
    const { tool, message } = asked
    return this.#ask('call', nameOf(`tool ${tool.name}`), { message, tool })
  }

  #sleep(duration: unknown, name = 'sleep'): Promise<unknown> {
    const ms = msOf(duration)
    if (!Number.isFinite(ms) || ms < 0 || ms > this.#input.limits.sleepMs)
      return Promise.reject(
        new TypeError('ctx.sleep() takes milliseconds, or a text such as "90s", "5m", "2h" or "1d"; 366 days at most'),
      )
    return this.#ask('sleep', name, { ms: Math.ceil(ms) })
  }

  /** `key`: the position whose idempotency key counts, where it is tried again. */
  #step(name: unknown, run: unknown, options: unknown, key?: number): Promise<unknown> {
    const { replay = 'never', timeout } = (options ?? {}) as { readonly replay?: unknown; readonly timeout?: unknown }
    const { stepMs, mostStepMs } = this.#input.limits
    const ms = timeout === undefined ? stepMs : typeof timeout === 'number' ? timeout * 1_000 : Number.NaN
    if (typeof name !== 'string' || name === '' || typeof run !== 'function')
      return Promise.reject(
        new TypeError('ctx.step() takes a name and a function: ctx.step("charge", async () => { … })'),
      )
    if (replay !== 'safe' && replay !== 'never')
      return Promise.reject(new TypeError('"replay" of ctx.step() is "safe" (it may run again) or "never"'))
    if (!(ms > 0) || ms > mostStepMs)
      return Promise.reject(new TypeError('"timeout" of ctx.step() is a number of seconds, 86400 at most'))
    const next = this.#next('step', nameOf(name))
    if (!next) return never
    const { position, recorded } = next
    const told = this.#wait(position)
    if (recorded?.result) this.#settle()
    else void this.#runStep(position, nameOf(name), replay, ms, run as (context: unknown) => unknown, key ?? position)
    return told
  }

  async #runStep(
    position: number,
    name: string,
    replay: string,
    ms: number,
    run: (context: unknown) => unknown,
    key: number,
  ): Promise<void> {
    this.#busy += 1
    try {
      const begun = (await this.#ports.request('step', { position, name, replay, ms }).catch(() => undefined)) as
        | { readonly kind: string; readonly attempt?: number }
        | undefined
      if (begun?.kind !== 'run') return
      const ask = keyedDispatches(`${this.#input.session}:${key}`, (what, value) => this.#ports.request(what, value))
      const result = await this.#inStep.run({ position, ask }, () => this.#resultOf(key, begun.attempt ?? 1, ms, run))
      const answer = await this.#ports
        .request('step-ended', { position, attempt: begun.attempt ?? 1, result })
        .catch(() => undefined)
      if (answer) this.#answered(position, { kind: 'ended', result })
    } finally {
      this.#busy -= 1
      this.#settle()
    }
  }

  /** RP4. */
  async #resultOf(key: number, attempt: number, ms: number, run: (context: unknown) => unknown): Promise<RunResult> {
    const late = new AbortController()
    const signal = AbortSignal.any([this.#ports.signal, late.signal])
    const over = Promise.withResolvers<never>()
    over.promise.catch(() => {})
    const timer = setTimeout(
      () => {
        late.abort()
        over.reject(new OperationError({ code: 'timeout', message: `the step took longer than ${ms / 1_000} s` }))
      },
      Math.min(ms, 2 ** 31 - 1),
    )
    try {
      const idempotencyKey = `${this.#input.session}:${key}`
      const value = await Promise.race([run(Object.freeze({ signal, attempt, idempotencyKey })), over.promise])
      const json = asJson(value, this.#input.limits.valueChars, 'the step')
      if (json.kind !== 'json') return { kind: 'error', error: { code: 'failed', message: json.message } }
      return { kind: 'value', ...(value === undefined ? {} : { value: JSON.parse(json.text) }) }
    } catch (error) {
      return { kind: 'error', error: thrown(error) }
    } finally {
      clearTimeout(timer)
    }
  }
}

const mostName = 128
const nameOf = (value: unknown): string => String(value).slice(0, mostName)

function withName<E extends Error>(error: E, name: string): E {
  error.name = name
  return error
}

/** An error has nothing that JSON would show. */
const plainAttributes = (attributes: RunAttributes): RunAttributes =>
  Object.fromEntries(
    Object.entries(Object(attributes)).map(([name, value]) => [
      name,
      value instanceof Error ? { name: value.name, message: value.message } : value,
    ]),
  )

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** NaN: it is no duration. */
export function msOf(duration: unknown): number {
  if (typeof duration === 'number') return duration
  if (typeof duration !== 'string') return Number.NaN
  const text = duration
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text.trim()) ?? []
  return count === undefined ? Number.NaN : Number(count) * (units[unit] ?? Number.NaN)
}

function thrown(error: unknown): Extract<RunEnd, { kind: 'failed' }>['error'] {
  const own = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const where = whereOf(error)
  const name = error instanceof Error ? error.name : undefined
  return {
    code: (own ?? 'failed').slice(0, mostName) || 'failed',
    message: messageOf(error),
    ...(name === undefined || name === 'Error' || name === '' ? {} : { name: String(name).slice(0, mostName) }),
    ...(where === undefined ? {} : { where }),
  }
}
