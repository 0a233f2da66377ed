// Executors on the in-memory journal, each with its actors; the model, the gateway, the runners and the passing of time are the test's.

import type { Consumption, Presence } from '@reins/broker'
import { Definitions } from '@reins/context'
import {
  type Address,
  type AgentDefinition,
  type AssistantBlock,
  definitionDigest,
  draftOn,
  emptyHead,
  type Frame,
  headOf,
  type ModelEvent,
  type ModelRequest,
  noUsage,
  type OnBusy,
  type Role,
  type SessionEvent,
  type Status,
  toExec,
  toLog,
} from '@reins/contracts'
import { CallSlots } from '@reins/holder'
import { createMemoryJournal, type MemoryFaults, type MemoryJournal } from '@reins/journal'
import { nothingToRedact } from '@reins/secrets'
import { noPausePoints } from '@reins/service'
import { defaultCeilings, emptyFold, foldFrames, type Session } from '@reins/session'
import { Metrics } from '@reins/telemetry'
import { builtinCatalog } from '@reins/tools'
import { onTestFinished } from 'vitest'
import { executorMetrics } from '../src/executor-metrics.ts'
import { DeltaPace } from '../src/model-call/delta-pace.ts'
import { type ActorContext, SessionActor } from '../src/session/session-actor.ts'

export const session = '01JZZZZZZZZZZZZZZZZZZZZZZZ'
export const definition: AgentDefinition = { name: 'helper', model: 'fake/m', system_prompt: 'x' }
const digest = definitionDigest(definition)

export interface Beginning {
  readonly agents?: boolean
  readonly id?: string
  readonly agent?: string
  readonly trace?: string
  /** What the session's start declares besides. */
  readonly declared?: readonly SessionEvent[]
}

/** A model call that waits for the test. */
export interface OpenCall {
  readonly session: string
  readonly by: string
  readonly request: ModelRequest
  readonly aborted: () => boolean
  text(text: string): void
  tools(...names: readonly string[]): void
  delegate(instruction: string): void
  fail(code: 'overloaded' | 'auth'): void
}

export interface Said {
  readonly seq: number
  readonly by: string
  readonly what: 'ack' | 'nak'
}

export class ExecutorWorld {
  readonly journal: MemoryJournal
  /** Model calls that have been made, in order. */
  readonly calls: OpenCall[] = []
  /** What was said of triggers. */
  readonly said: Said[] = []
  readonly aborts: string[] = []
  readonly reports: unknown[] = []
  /** A clock for queues: each who comes is a moment later. */
  arrivals = 0
  readonly executors = new Map<string, Executor>()
  /** Asked for each append of an executor, which waits for it; what it throws, the append throws. */
  beforeAppend: (by: string, events: readonly SessionEvent[]) => void | Promise<void> = () => undefined
  #later: { run: () => void }[] = []
  #ids = 0

  constructor({ faults = {} }: { faults?: MemoryFaults } = {}) {
    this.journal = createMemoryJournal({
      clock: { now: () => 0 },
      faults,
      schedule: (run) => {
        const one = { run }
        this.#later.push(one)
        return () => {
          this.#later = this.#later.filter((other) => other !== one)
        }
      },
    })
    onTestFinished(() => this.journal.close())
  }

  random = (): number => ((this.#ids++ * 7919) % 10_007) / 10_007

  async executor(
    name: string,
    { modelCalls = 100, followAfterMs = 60_000, earlyCalls = false } = {},
  ): Promise<Executor> {
    const executor = new Executor(this, name, modelCalls, followAfterMs, earlyCalls)
    this.executors.set(name, executor)
    await executor.serve()
    return executor
  }

  /** What was to happen later happens: ack_wait is over, delays too, timers fire. */
  later(): void {
    for (const { run } of this.#later.splice(0)) run()
  }

  async append(
    by: string,
    role: Role,
    events: readonly SessionEvent[],
    to: Address = toLog,
    status?: Status,
    id = session,
    trace?: string,
  ): Promise<Frame> {
    for (;;) {
      const last = (await this.journal.sessions.read(id, { leader: true })).at(-1)
      const head = last ? headOf(last) : emptyHead(id)
      const order = { events, to, status: status ?? head.status, pool: head.pool || 'default', trace, at: 0 }
      const draft = draftOn(head, { frame: `w${this.#ids++}`, by, role }, order)
      const outcome = await this.journal.sessions.append(id, draft, to, head.hash)
      const frame = (await this.journal.sessions.read(id, { after: head.seq, leader: true }))[0]
      if (outcome.kind === 'appended' && frame) return frame
    }
  }

  /** A session begins with a message, as a gateway does it. `agents`: it may delegate to a helper. */
  begin({ agents = false, id = session, agent = 'a', trace, declared = [] }: Beginning = {}): Promise<Frame> {
    const started: SessionEvent = {
      type: 'session.started',
      data: {
        ...{ agent, digest, model: 'fake/m', pools: { executor: 'default', tools: 'default' } },
        ...{ limits: { maxToolCalls: 9 }, tools: { shell: 'never', read_file: 'safe' } },
        ...(agents ? { agents: { helper: { digest, pool: 'default' } } } : {}),
      },
    }
    return this.append('gateway', 'g', [started, ...declared, message('m1')], toExec('default'), 'idle', id, trace)
  }

  /** A message, as a gateway places it. */
  async say(id: string, of = session): Promise<Frame> {
    const { status } = await this.journal.sessions.head(of, { leader: true })
    return this.append('gateway', 'g', [message(id)], status === 'idle' ? toExec('default') : toLog, undefined, of)
  }

  steer(type: 'session.paused' | 'session.resumed'): Promise<Frame> {
    const event: SessionEvent = { type, data: {} }
    return type === 'session.paused'
      ? this.append('gateway', 'g', [event], toLog, 'paused')
      : this.append('gateway', 'g', [event], toExec('default'), 'idle')
  }

  /** A message that ends the turn that is going on. */
  interrupt(id: string): Promise<Frame> {
    return this.append('gateway', 'g', [message(id, 'interrupt')], toExec('default'))
  }

  cancel(id = session, more: { end?: true } = {}): Promise<Frame> {
    const event: SessionEvent = { type: 'cancel.requested', data: { cancel: 'x', ...more } }
    return this.append('gateway', 'g', [event], toExec('default'), undefined, id)
  }

  /** A runner's outcome that closes the last call. */
  result(call: string): Promise<Frame> {
    const data = { call, attempt: 1, status: 'ok' as const, output: 'done' }
    return this.append('runner', 't', [{ type: 'tool-call.completed', data }], toExec('default'))
  }

  async frames(id = session): Promise<readonly Frame[]> {
    return this.journal.sessions.read(id, { leader: true })
  }

  /** The types of everything in the log, with the attempts of calls. */
  async log(id = session): Promise<readonly string[]> {
    return (await this.frames(id)).flatMap(({ events }) =>
      events.map(({ type, data }) => ('attempt' in data && data.attempt > 1 ? `${type} ${data.attempt}` : type)),
    )
  }

  async folded(id = session): Promise<Session> {
    return foldFrames(emptyFold(id), await this.frames(id)).session
  }

  /** The call with this number, from 1, once it is made. */
  async call(number: number): Promise<OpenCall> {
    await until(() => this.calls.length >= number)
    const call = this.calls[number - 1]
    if (!call) throw new Error('no such call')
    return call
  }

  /** Nothing is done or held any more by anybody. */
  async quiet(): Promise<void> {
    await until(() => [...this.executors.values()].every(({ active }) => active.size === 0))
  }

  /** Triggers that somebody would still be given. */
  async open(): Promise<number> {
    const { backlog, inProgress } = await this.journal.work.backlog('exec', 'default')
    return backlog + inProgress
  }
}

export class Executor {
  readonly name: string
  readonly active = new Set<SessionActor>()
  /** What it says that it holds. */
  readonly holds = new Set<string>()
  suspect = false
  readonly slots: CallSlots
  readonly quotas = {
    free: () => true,
    wait: () => ({ leave: () => undefined }),
    reason: () => '',
    refused: () => undefined,
    spent: () => undefined,
  }
  readonly #world: ExecutorWorld
  readonly #followAfterMs: number
  readonly #earlyCalls: boolean
  readonly #actors = new Map<string, SessionActor>()
  #consumption: Consumption | undefined
  #alive = true

  constructor(world: ExecutorWorld, name: string, modelCalls: number, followAfterMs: number, earlyCalls: boolean) {
    this.#world = world
    this.#earlyCalls = earlyCalls
    this.#followAfterMs = followAfterMs
    this.name = name
    this.slots = new CallSlots({ most: modelCalls, room: () => true, now: () => world.arrivals++ })
  }

  async serve(): Promise<void> {
    const { journal, said } = this.#world
    this.#consumption = await journal.work.consume('exec', 'default', {
      free: () => (this.#alive ? 100 : 0),
      on: (trigger) => {
        const note = (what: Said['what']) => said.push({ seq: trigger.frame.seq, by: this.name, what })
        this.actor(trigger.session).deliver({
          ...trigger,
          ack: () => {
            if (!this.#alive) return
            note('ack')
            trigger.ack()
          },
          nak: (delayMs) => {
            if (!this.#alive) return
            note('nak')
            trigger.nak(delayMs)
          },
        })
      },
      failed: () => undefined,
    })
  }

  /** Takes nothing more, as one whose slots are full. */
  async close(): Promise<void> {
    await this.#consumption?.close()
  }

  /** kill -9: nothing that it does from now on reaches anybody. */
  async kill(): Promise<void> {
    this.#alive = false
    this.active.clear()
    await this.close()
  }

  answers(id: string, call: string, attempt: number): boolean {
    return this.#alive && (this.#actors.get(id)?.runs(call, attempt) ?? false)
  }

  actor(id: string): SessionActor {
    const known = this.#actors.get(id)
    if (known) return known
    const actor = new SessionActor(id, this.#context())
    this.#actors.set(id, actor)
    onTestFinished(() => actor.dispose())
    return actor
  }

  #context(): ActorContext {
    const { name } = this
    const world = this.#world
    const { journal } = world
    const presence: Presence = {
      begin: ({ call, attempt }) => void this.holds.add(`${call}/${attempt}`),
      end: ({ call, attempt }) => void this.holds.delete(`${call}/${attempt}`),
      ask: async (owner, { session: id, call, attempt }) =>
        world.executors.get(owner)?.answers(id, call, attempt) ? 'running' : 'gone',
      tellAbort: (owner, { session: id, call, attempt }) => {
        world.aborts.push(`${owner} ${call}/${attempt}`)
        world.executors.get(owner)?.actor(id).abort(call, attempt)
      },
      suspect: () => this.suspect,
      roomElsewhere: () => 0,
      sharers: () => [],
      takers: () => false,
      give: async () => false,
      leave: () => undefined,
      close: () => undefined,
    }
    const registry = {
      version: async () => ({ digest, definition, by: 'test', at: 0 }),
      agentFresh: async () => undefined,
      codeWorkflow: () => undefined,
    }
    const never = new Promise<never>(() => undefined)
    return {
      ...{ instance: name, feed: journal.feed, timers: journal.timers, work: journal.work },
      ...{ snapshots: journal.snapshots, definitions: new Definitions(registry, [builtinCatalog]), slots: this.slots },
      ...{ quotas: this.quotas, earlyCalls: this.#earlyCalls },
      ...{ registry, ceilings: defaultCeilings, budgetCeiling: {}, priceOf: () => undefined },
      ...{ metrics: executorMetrics(new Metrics()), ackWaitMs: 1000, followAfterMs: this.#followAfterMs },
      ...{
        retries: { maxThrottles: 2, baseMs: 1, maxMs: 1 },
        redactorOf: async () => nothingToRedact,
        media: { get: async () => undefined },
        deltaPace: new DeltaPace(),
        runs: {
          hosts: { run: async () => ({ kind: 'not-run' as const, message: 'this test has no code' }) },
          config: async () => null,
          environment: async () => ({ kind: 'given' as const, env: {} }),
          request: async () => ({ kind: 'gone' as const }),
          agent: async () => ({ kind: 'none' as const }),
          dispatch: async () => ({ dispatchId: 'd1', acceptedAt: '' }),
          compact: async () => ({ compacted: false }),
          vary: async ({ digest }) => ({ digest }),
          keepImages: async () => [],
          schemaProblem: async () => undefined,
          now: () => 0,
          networkAllowed: false,
          betweenMs: 10_000,
          log: () => undefined,
        },
      },
      ...{ stopping: new AbortController().signal, pauseAt: noPausePoints },
      folded: (id) => this.#actors.get(id)?.fold,
      clock: { now: () => 0, random: world.random },
      sessions: {
        ...journal.sessions,
        append: async (id, draft, ...rest) => {
          if (!this.#alive) return never
          await world.beforeAppend(name, draft.events)
          const outcome = await journal.sessions.append(id, draft, ...rest)
          return this.#alive ? outcome : never
        },
      },
      models: {
        provider: () => undefined,
        providers: () => ({ callable: ['fake'], keyless: [] }),
        resolve: () => ({
          kind: 'ok',
          model: 'm',
          provider: {
            name: 'fake',
            contextWindow: () => 100_000,
            stream: (request, signal) => this.#stream(request, signal),
          },
        }),
        quotaOf: () => undefined,
        defaultModel: () => ({ model: 'fake/m', because: 'of this test' }),
        close: () => undefined,
      },
      presence: () => presence,
      servesPool: (pool) => pool === 'default',
      reading: (read) => read(),
      ignored: () => undefined,
      report: (_session, error) => void world.reports.push(error),
      appended: () => undefined,
      changed: (actor) => void (actor.busy() ? this.active.add(actor) : this.active.delete(actor)),
    }
  }

  async *#stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent> {
    const event = await new Promise<ModelEvent>((resolve) => {
      const answer = (content: readonly AssistantBlock[], finish: 'stop' | 'tool-calls') =>
        resolve({ type: 'completed', content, usage: noUsage, finish })
      const toolCall = (name: string, args: Record<string, unknown>): AssistantBlock => ({
        ...{ type: 'tool-call', call: 'x', name, arguments: args },
      })
      const network: ModelEvent = { type: 'failed', code: 'network', message: 'aborted' }
      signal.addEventListener('abort', () => resolve(network))
      this.#world.calls.push({
        request,
        ...{ session: request.cacheKey, by: this.name, aborted: () => signal.aborted },
        text: (text) => answer([{ type: 'text', text }], 'stop'),
        tools: (...names) =>
          answer(
            names.map((name) => toolCall(name, {})),
            'tool-calls',
          ),
        delegate: (instruction) => answer([toolCall('delegate', { agent: 'helper', instruction })], 'tool-calls'),
        fail: (code) => resolve({ type: 'failed', code, message: 'no' }),
      })
    })
    yield event
  }
}

const message = (id: string, onBusy: OnBusy = 'queue'): SessionEvent => ({
  type: 'message.received',
  data: { message: id, content: [{ type: 'text', text: id }], onBusy },
})

/** Waits for what the event loop brings about. */
export async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setImmediate(resolve))
}
