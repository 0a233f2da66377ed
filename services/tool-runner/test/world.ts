// One session's tools in one runner, on the in-memory journal; the broker, the executor and the other runners are played by the test.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Presence } from '@reins/broker'
import {
  type Address,
  type AgentDefinition,
  definitionDigest,
  draftOn,
  emptyHead,
  type Frame,
  headOf,
  type ReplayClass,
  type Role,
  type ServerAnswer,
  type SessionEvent,
  type SlowCall,
  toLog,
  toTool,
} from '@reins/contracts'
import { CallSlots } from '@reins/holder'
import { createMemoryJournal, type MemoryFaults, type MemoryJournal, type Trigger } from '@reins/journal'
import { nothingToRedact } from '@reins/secrets'
import { noPausePoints } from '@reins/service'
import {
  type AskedApproval,
  builtinCatalog,
  defaultSettings,
  noGuard,
  noValues,
  PathLocks,
  runTool,
  type Sandbox,
  type ToolSource,
} from '@reins/tools'
import { onTestFinished } from 'vitest'
import { askedEvent } from '../src/servers/notices.ts'
import { SessionTools, type ToolsContext } from '../src/session-tools.ts'

export const session = '01JZZZZZZZZZZZZZZZZZZZZZZZ'
export const me = 'tool-runner-me'
/** Of everything that others append here. */
export const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
let worlds = 0

export interface Delivered {
  readonly trigger: Trigger
  readonly acked: () => boolean
  /** ms of the latest nak. */
  readonly naked: () => number | undefined
}

export class RunnerWorld {
  readonly journal: MemoryJournal
  readonly tools: SessionTools
  readonly slots = new CallSlots({ most: 1, room: () => true, now: () => 0 })
  /** For calls that work. */
  readonly work = new CallSlots({ most: 64, room: () => true, now: () => 0 })
  /** Tools end when it resolves: a definition of its own, that nobody has looked up before. */
  gate: Promise<unknown> = Promise.resolve()
  /** Calls that have shown nothing for a while. */
  readonly slow = new Map<string, SlowCall>()
  /** What the instance says that it holds. */
  readonly holds = new Set<string>()
  /** Asked for each append of mine; what it throws, the append throws. */
  beforeAppend: (events: readonly SessionEvent[]) => void = () => undefined
  /** What the servers say that a session's tools are asked of. */
  discovered: Promise<readonly ServerAnswer[]> = Promise.resolve([])
  readonly reports: unknown[] = []
  /** Instances that answer that they run what they are asked for. */
  readonly alive = new Set<string>()
  /** What tools say that are asked whether a person is to be asked. */
  looksAt: (args: unknown) => AskedApproval | Promise<AskedApproval> = () => ({ approval: 'auto' })
  /** What happens while an owner is asked. */
  meanwhile: () => Promise<unknown> = async () => undefined
  readonly #digest: string
  readonly #addresses = new Map<number, Address>()
  #ids = 0

  constructor({ faults = {}, mayFail = false }: { faults?: MemoryFaults; mayFail?: boolean } = {}) {
    this.journal = createMemoryJournal({ clock: { now: () => 0 }, faults })
    const definition: AgentDefinition = {
      ...{ name: `a${worlds++}`, model: 'scripted/assistant', system_prompt: 'x', tools: ['files'] },
    }
    const digest = definitionDigest(definition)
    this.#digest = digest
    const workspace = realpathSync(mkdtempSync(path.join(tmpdir(), 'reins-runner-')))
    this.journal.feed.frames(session, ({ frame, to }) => this.#addresses.set(frame.seq, to))
    const presence: Presence = {
      begin: ({ call, attempt }) => void this.holds.add(`${call}/${attempt}`),
      end: ({ call, attempt }) => void this.holds.delete(`${call}/${attempt}`),
      ask: async (owner) => {
        await this.meanwhile()
        return this.alive.has(owner) ? 'running' : 'gone'
      },
      tellAbort: () => undefined,
      suspect: () => false,
      roomElsewhere: () => 0,
      sharers: () => [],
      takers: () => false,
      give: async () => false,
      leave: () => undefined,
      close: () => undefined,
    }
    const sandbox: Sandbox = {
      kind: 'none',
      detail: 'none for this test',
      networkAllowed: false,
      filtered: false,
      spawn: () => ({ kind: 'refused', message: 'no sandbox in this test' }),
    }
    const locks = new PathLocks()
    // In this thread: a worker that has to begin first would be all that these tests wait for.
    const here: ToolSource = {
      ...builtinCatalog,
      list: async (asked, listing) => {
        const all = await builtinCatalog.list(asked, listing)
        return all.kind === 'listed' ? { ...all, tools: all.tools.map((spec) => ({ ...spec, looks: true })) } : all
      },
      approval: async ({ arguments: args }) => this.looksAt(args),
      run: ({ name, arguments: args }, call) =>
        runTool(name, args, { ...call, workspace, settings: defaultSettings, guard: noGuard, sandbox, locks }),
    }
    const context: ToolsContext = {
      instance: me,
      sessions: {
        ...this.journal.sessions,
        append: async (id, draft, ...rest) => {
          this.beforeAppend(draft.events)
          return this.journal.sessions.append(id, draft, ...rest)
        },
      },
      feed: this.journal.feed,
      clock: { now: () => 0, random: () => (this.#ids++ % 1000) / 1000 },
      tools: {
        sources: [here],
        servers: {
          discover: async () => [],
          serverOf: () => undefined,
          tools: async () => ({ kind: 'offered', tools: [] }),
        },
        workspace: async () => ({ skills: [] }),
        registry: {
          version: async () => {
            await this.gate
            return { digest, definition, by: 'test', at: 0 }
          },
        },
        keep: async () => ({ ref: 'kept', dropped: 0 }),
        kept: async () => undefined,
        frame: async (session, seq) => (await this.journal.sessions.read(session, { after: seq - 1, limit: 1 }))[0],
        values: () => noValues,
        learnNamed: async () => undefined,
        redactor: nothingToRedact,
      },
      ackWaitMs: 60_000,
      freshMs: 250,
      followAfterMs: 60_000,
      stopping: new AbortController().signal,
      pauseAt: noPausePoints,
      discover: () => this.discovered,
      presence: () => presence,
      parksAfterMs: 60_000,
      asks: (here) => askedEvent(here, 0, nothingToRedact),
      waitsForNotice: () => undefined,
      servesPool: (pool) => pool === 'default',
      reading: (read) => read(),
      report: (_session, error) => {
        if (!mayFail) throw error
        this.reports.push(error)
      },
      finished: () => undefined,
      active: new Set(),
      slow: this.slow,
      ...{ slots: this.slots, work: this.work, freed: () => undefined },
      waitsAfterMs: 60_000,
      changed: () => undefined,
    }
    this.tools = new SessionTools(session, context)
    onTestFinished(async () => {
      await this.tools.release()
      this.journal.close()
      rmSync(workspace, { recursive: true, force: true })
    })
  }

  /** What somebody else appends. */
  async append(by: string, role: Role, events: readonly SessionEvent[], to: Address = toLog): Promise<Frame> {
    const before = await this.journal.sessions.read(session)
    const last = before.at(-1)
    const head = last ? headOf(last) : emptyHead(session)
    const order = { events, to, status: 'waiting', pool: 'default', trace, at: 0 } as const
    const draft = draftOn(head, { frame: `f${head.n + 1}`, by, role }, order)
    await this.journal.sessions.append(session, draft, to, head.hash)
    const frame = (await this.journal.sessions.read(session)).at(-1)
    if (!frame) throw new Error('nothing was appended')
    return frame
  }

  /** An executor asks for calls of turn t1: reads of files that are not there. `alone`: those that wait for others. */
  ask(
    calls: Readonly<Record<string, ReplayClass>>,
    alone: readonly string[] = [],
    looks: readonly string[] = [],
  ): Promise<Frame> {
    const requested = Object.entries(calls).map(([call, replay]) => ({
      call,
      name: 'read_file',
      arguments: { path: `${call}.txt` },
      replay,
      ...(looks.includes(call) ? { looks: true as const } : {}),
      ...(alone.includes(call) ? { alone: true } : {}),
    }))
    return this.append(
      'executor-1',
      'e',
      [{ type: 'tool-calls.requested', data: { turn: 't1', digest: this.#digest, calls: requested } }],
      toTool('default'),
    )
  }

  /** Hands the frame over. */
  deliver(frame: Frame, { redelivered = false, earlier = false, ageMs = 0 } = {}): Delivered {
    let acked = false
    let naked: number | undefined
    const trigger: Trigger = {
      session,
      frame,
      to: toTool('default'),
      ageMs,
      redelivered,
      earlier,
      handle: 'h',
      ack: () => {
        acked = true
      },
      nak: (delayMs) => {
        naked = delayMs
      },
      working: () => undefined,
    }
    this.tools.deliver(trigger)
    return { trigger, acked: () => acked, naked: () => naked }
  }

  /** The session begins, with its tools in this pool. */
  born(pool = 'default'): Promise<Frame> {
    const started = { agent: 'a', digest: this.#digest, model: 'm', limits: { maxToolCalls: 9 }, tools: {} }
    return this.append('gateway', 'g', [
      { type: 'session.started', data: { ...started, pools: { executor: 'default', tools: pool } } },
    ])
  }

  /** What this runner has said so far: events in order, by type, call and attempt. */
  async said(): Promise<readonly string[]> {
    const frames = await this.journal.sessions.read(session)
    return frames.flatMap(({ by, events }) =>
      by === me
        ? events.map(({ type, data }) => {
            const attempt = 'attempt' in data ? ` ${data.attempt}` : ''
            return `${type} ${'call' in data ? data.call : ''}${attempt}`
          })
        : [],
    )
  }

  /** The first frame of mine that has such an event, and whom it wakes. */
  async mine(type: SessionEvent['type'], call: string): Promise<{ readonly frame: Frame; readonly wakes: boolean }> {
    for (;;) {
      const frames = await this.journal.sessions.read(session)
      const frame = frames.find(
        ({ by, events }) =>
          by === me && events.some(({ type: its, data }) => its === type && 'call' in data && data.call === call),
      )
      const to = frame && this.#addresses.get(frame.seq)
      if (frame && to) return { frame, wakes: to.kind === 'exec' }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

export const claim = (call: string): SessionEvent => ({ type: 'tool-call.started', data: { call, attempt: 1 } })
export const result = (call: string): SessionEvent => ({
  type: 'tool-call.completed',
  data: { call, attempt: 1, status: 'ok', output: 'x' },
})
