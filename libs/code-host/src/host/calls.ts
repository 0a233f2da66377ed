// The calls that run in a host, each with what it may still say. Its numbered rules are those of main.ts.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { ToolContext } from '@reins/agent'
import type { ProjectForm, ProjectModules } from '@reins/agent/project'
import type { CallEnd, FetchInput, FromHost, GivenPlace, HostLimits, LogLevel, RunInput, ToHost } from '../messages.ts'
import type { LoadedTool, Workflow } from './exports.ts'
import { type Environment, type Instances, loadedTool } from './instances.ts'
import { asJson } from './json.ts'
import { type Found, GivenFunctions } from './replay/given-functions.ts'
import { type Ask, keyedDispatches } from './replay/keyed-dispatches.ts'
import { RunReplay } from './replay/replay.ts'
import { say, sayText } from './say.ts'
import { serveFetch } from './serving.ts'
import { clipped, messageOf, stackOf } from './thrown.ts'

type Run = Extract<ToHost, { kind: 'run' }>
type Answer = Extract<ToHost, { kind: 'answer' }>['answer']

export interface Call {
  readonly id: number
  readonly abort: AbortController
  ended: boolean
  printed: number
  shown: number
  logged: number
  /** What its code asks for by itself (dispatch of @reins/agent). */
  ask: Ask
  /** It is code that runs for a call of another: what it prints is nobody's. */
  readonly muted?: true
}

type Values = Pick<Partial<ToolContext>, 'secrets' | 'config'>
type Configuring = { readonly id: string; readonly payload?: unknown; readonly env?: Environment }
interface Declared {
  readonly env?: readonly string[]
  readonly secrets?: readonly string[]
}

/** Of the values of a call, those that the project declares: the tool may name more, which are its own. */
function environmentOf({ secrets = {}, config = {} }: Values, declared: Declared): Environment {
  const all: Readonly<Record<string, unknown>> = { ...config, ...secrets }
  const names = [...(declared.env ?? []), ...(declared.secrets ?? [])].filter((name) => Object.hasOwn(all, name))
  return Object.fromEntries(
    names.map((name) => [name, typeof all[name] === 'string' ? all[name] : JSON.stringify(all[name])]),
  )
}

const contentMarker = Symbol.for('reins.tool-content')

export class Calls {
  tools: ReadonlyMap<string, LoadedTool> = new Map()
  workflow: Workflow | undefined
  /** Of a project. */
  instances: Instances | undefined
  project: ProjectModules | undefined
  inline: readonly object[] = []
  /** Answers requests over HTTP. */
  app: ProjectForm | undefined
  readonly #limits: HostLimits
  readonly #givenFunctions = new GivenFunctions()
  readonly #running = new Map<number, Call>()
  readonly #requests = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  /** H1. */
  readonly #context = new AsyncLocalStorage<Call>()
  #requested = 0

  constructor(limits: HostLimits) {
    this.#limits = limits
    // What code asks for outside of its own call's context (dispatch of @reins/agent) is asked on behalf of that call.
    const request = (what: string, value: unknown): Promise<unknown> => {
      const call = this.current()
      return call ? call.ask(what, value) : Promise.reject(new Error('no call of this code runs any more'))
    }
    Object.defineProperty(globalThis, Symbol.for('reins.host'), { value: Object.freeze({ request }) })
  }

  /** The call whose code this is. */
  current(): Call | undefined {
    const call = this.#context.getStore()
    return call?.ended === false ? call : undefined
  }

  run(asked: Run): void {
    const { id } = asked
    const call: Call = { id, abort: new AbortController(), ended: false, printed: 0, shown: 0, logged: 0, ask: refuses }
    this.#running.set(id, call)
    say({ kind: 'began', id })
    void this.#context.run(call, async () => {
      try {
        const end = await this.#work(call, asked)
        if (typeof end !== 'string') this.end(call, end)
        else if (this.#close(call)) sayText(`{"kind":"done","id":${id},"end":${end}}`)
      } catch (error) {
        const stack = stackOf(error)
        if (stack !== undefined) this.#log(call, 'debug', 'the tool threw', { stack })
        this.end(call, { kind: 'error', code: 'failed', message: messageOf(error) })
      }
    })
  }

  cancel(id: number): void {
    this.#running.get(id)?.abort.abort()
  }

  /** The first end of a call is its end. */
  end(call: Call, end: CallEnd): void {
    if (this.#close(call)) say({ kind: 'done', id: call.id, end })
  }

  #close(call: Call): boolean {
    if (call.ended) return false
    call.ended = true
    this.#running.delete(call.id)
    return true
  }

  answered(request: number, answer: Answer): void {
    const waiting = this.#requests.get(request)
    this.#requests.delete(request)
    if (answer.kind === 'ok') waiting?.resolve(answer.value)
    else waiting?.reject(new Error(answer.message))
  }

  printed(text: string): void {
    const call = this.current()
    if (!call || call.muted) return
    call.printed += text.length
    if (call.printed <= this.#limits.printedChars) this.#progress(call, text)
    else {
      const message = `the tool printed more than ${this.#limits.printedChars} characters, and was ended`
      this.end(call, { kind: 'error', code: 'failed', message, goesOn: true })
    }
  }

  /** A text is the end as JSON already: a result is written once. */
  async #work(call: Call, { what, name, input, facts }: Run): Promise<CallEnd | string> {
    if (what === 'run') return this.#replay(call, input as RunInput)
    if (what === 'fetch') return this.#serve(call, input as FetchInput)
    if (what === 'configure') return this.#configure(name, input as Configuring)
    const { instance, given: place } = facts
    const made = instance ?? place
    const given = made && what === 'tool' && this.#declares ? await this.#valuesFor(call, name) : undefined
    const env = given && environmentOf(given, this.#declared)
    const tool = place
      ? await this.#given(call, place, name, env)
      : instance
        ? await this.instances?.tool(instance, name, env)
        : this.tools.get(name)
    if (tool === undefined)
      return failed(
        instance
          ? `the agent ${instance.agent} no longer gives the tool "${name}" for the id ${JSON.stringify(instance.id)}`
          : place
            ? `the workflow no longer gives the tool "${name}"`
            : `the file has no tool "${name}"`,
      )
    const { form, takesValues } = tool
    const checked = await form.check(input)
    if (checked.kind === 'invalid')
      return { kind: 'error', code: 'invalid-arguments', message: `invalid arguments: ${checked.problems.join('; ')}` }
    if (what === 'approval') return { kind: 'value', value: (await form.approval?.(checked.value)) ?? 'auto' }
    if (what !== 'tool') return failed(`this host runs no "${what}"`)
    call.ask = keyedDispatches(facts.idempotencyKey, (asked, value) => this.#request(call, asked, value))
    const { secrets = {}, config = {} } = given ?? (takesValues ? await this.#valuesFor(call, name) : {})
    const context: ToolContext = {
      signal: call.abort.signal,
      idempotencyKey: facts.idempotencyKey,
      ...(facts.traceparent === undefined ? {} : { traceparent: facts.traceparent }),
      progress: (text) => this.#progress(call, String(text)),
      log: this.#logOf(call),
      ...{ secrets: Object.freeze(secrets), config: Object.freeze(config) },
      session: Object.freeze({ id: facts.session }),
      agent: Object.freeze({ name: facts.agent }),
    }
    return this.#resultOf(await form.execute(checked.value, Object.freeze(context)))
  }

  /** Where the values were not asked for, what was found with others does. */
  async #given(call: Call, place: GivenPlace, name: string, env?: Environment): Promise<LoadedTool | undefined> {
    const live = await this.#givenFunctions.at(place, env && JSON.stringify(env), async () => {
      const input = (await this.#request(call, 'run', null)) as RunInput | undefined
      const workflow = input && this.#workflowOf(input)
      if (!workflow) throw new Error('the run that gave the tool is not there, or its workflow is not in the project')
      return this.#found(call, place.position, withValues(input, env ?? {}, this.#declared.secrets), workflow)
    })
    return loadedTool(live?.tools.get(name), name)
  }

  /** GF1 of replay/given-functions.ts. */
  async #found(call: Call, position: number, input: RunInput, workflow: Workflow): Promise<Found> {
    let live: Found['live']
    const replay = new RunReplay(input, {
      request: async () => undefined,
      log: silent,
      signal: call.abort.signal,
      given: (at, functions) => {
        if (at === position) live = functions
      },
      agents: this.project?.agents ?? {},
      inline: this.inline,
    })
    const muted: Call = { ...call, muted: true, ask: (what, value) => replay.request(what, value) }
    const end = await this.#context.run(muted, () => replay.run(workflow))
    return { live, end }
  }

  async #configure(agent: string, { env, ...instance }: Configuring): Promise<CallEnd | string> {
    if (!this.instances) return failed('the file is no project, and has no agents')
    return this.#resultOf(await this.instances.configure({ ...instance, agent }, env))
  }

  get #declared(): Declared {
    return (this.project?.config?.module ?? {}) as Declared
  }

  /** Whether the project has an `env`. */
  get #declares(): boolean {
    const { env = [], secrets = [] } = this.#declared
    return env.length + secrets.length > 0
  }

  async #valuesFor(call: Call, tool: string): Promise<Values> {
    return ((await this.#request(call, 'values', { tool })) ?? {}) as Values
  }

  async #serve(call: Call, input: FetchInput): Promise<CallEnd> {
    if (!this.app) return failed('the bundle is not that of a project')
    call.ask = (what, value) => this.#request(call, what, value)
    await serveFetch(this.app, input, call.ask, call.abort.signal)
    return { kind: 'value' }
  }

  async #replay(call: Call, input: RunInput): Promise<CallEnd> {
    const workflow = this.#workflowOf(input)
    if (!workflow)
      return failed(
        input.workflow ? `the project has no workflow "${input.workflow.name}"` : 'the file exports no workflow',
      )
    await this.#request(call, 'began', null)
    const replay = new RunReplay(input, {
      request: (what, value) => this.#request(call, what, value),
      log: this.#logOf(call),
      signal: call.abort.signal,
      agents: this.project?.agents ?? {},
      inline: this.inline,
    })
    call.ask = (what, value) => replay.request(what, value)
    return { kind: 'value', value: await replay.run(workflow) }
  }

  #workflowOf({ workflow }: RunInput): Workflow | undefined {
    if (!workflow) return this.workflow
    const { workflows = {} } = this.project ?? {}
    const run = Object.hasOwn(workflows, workflow.name) ? workflows[workflow.name]?.module.run : undefined
    return typeof run === 'function' ? (run as Workflow) : undefined
  }

  #resultOf(value: unknown): CallEnd | string {
    if (value instanceof Error) return failed(messageOf(value))
    const isContent = typeof value === 'object' && value !== null && Object.hasOwn(value, contentMarker)
    const json = asJson(isContent ? blocksOf(value) : value, this.#limits.resultChars)
    switch (json.kind) {
      case 'json':
        if (value === undefined) return { kind: 'value' }
        return `{"kind":"value","${isContent ? 'content' : 'value'}":${json.text}}`
      case 'not-json':
        return failed(json.message)
      case 'too-large':
        return { kind: 'error', code: 'too-large', message: json.message }
      default:
        return json satisfies never
    }
  }

  /** Asks whoever runs the call; M2. */
  #request(call: Call, what: string, value: unknown): Promise<unknown> {
    const request = ++this.#requested
    return new Promise((resolve, reject) => {
      this.#requests.set(request, { resolve, reject })
      say({ kind: 'request', id: call.id, request, what, value })
    })
  }

  #progress(call: Call, text: string): void {
    const room = this.#limits.progressChars - call.shown
    if (room <= 0 || text === '' || call.ended) return
    const shown = text.length <= room ? text : text.slice(0, room)
    call.shown += shown.length
    const more = shown.length < text.length || room === shown.length
    const note = more ? '\n[more output is not shown here while the tool runs]\n' : ''
    say({ kind: 'progress', id: call.id, text: shown + note })
  }

  #logOf(call: Call): ToolContext['log'] {
    const at = (level: LogLevel) => (message: string, attributes?: Readonly<Record<string, unknown>>) =>
      this.#log(call, level, String(message), attributes)
    return Object.freeze({ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') })
  }

  #log(call: Call, level: LogLevel, text: string, attributes?: unknown): void {
    if (call.logged > this.#limits.logChars) return
    const json = attributes === undefined ? undefined : asJson(attributes, 4_000)
    const message = clipped(text)
    call.logged += message.length + (json?.kind === 'json' ? json.text.length : 0)
    const entry: FromHost = { kind: 'log', id: call.id, level, message }
    say(json?.kind === 'json' ? { ...entry, attributes: JSON.parse(json.text) } : entry)
  }
}

/** Of initializers, which run for others too, and of functions that say whether a person is asked. */
const refuses: Ask = async (what) => {
  throw new Error(
    `${what}() works in routes, channels, workflows and in the functions of tools, and not in an initializer`,
  )
}

/** Lines of a replay that another one has written. */
const silent = Object.freeze({ debug() {}, info() {}, warn() {}, error() {} })

const withValues = ({ workflow, ...input }: RunInput, env: Environment, secrets: readonly string[] = []): RunInput => ({
  ...input,
  ...(workflow ? { workflow: { ...workflow, env, secrets } } : {}),
})

const failed = (message: string): CallEnd => ({ kind: 'error', code: 'failed', message })

/** Bytes as base64. */
function blocksOf(value: object): unknown {
  const blocks: unknown = (value as { [contentMarker]: unknown })[contentMarker]
  if (!Array.isArray(blocks)) return []
  return blocks.map((block) =>
    block !== null && typeof block === 'object' && 'data' in block && block.data instanceof Uint8Array
      ? { ...block, data: Buffer.from(block.data).toString('base64') }
      : block,
  )
}
