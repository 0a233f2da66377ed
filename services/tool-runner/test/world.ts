// One session's tools in one runner, on the in-memory journal; the broker, the executor and the other runners are played by the test.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  type Address,
  type AgentDefinition,
  definitionDigest,
  emptyHead,
  type Frame,
  headOf,
  type ReplayClass,
  type Role,
  type SessionEvent,
  toLog,
  toTool,
} from '@reins/contracts'
import { createMemoryJournal, type Presence, type Trigger } from '@reins/journal'
import { noPausePoints } from '@reins/service'
import { nothingToRedact } from '@reins/telemetry'
import { PathLocks } from '@reins/tools'
import { onTestFinished } from 'vitest'
import type { RunnerContext } from '../src/context.ts'
import { SessionTools } from '../src/session-tools.ts'

export const session = '01JZZZZZZZZZZZZZZZZZZZZZZZ'
export const me = 'tool-runner-me'
const definition: AgentDefinition = { name: 'a', model: 'scripted/assistant', system_prompt: 'x', tools: ['files'] }
const digest = definitionDigest(definition)

export interface Delivered {
  readonly trigger: Trigger
  readonly acked: () => boolean
}

export class RunnerWorld {
  readonly journal = createMemoryJournal({ clock: { now: () => 0 } })
  readonly tools: SessionTools
  /** Instances that answer that they run what they are asked for. */
  readonly alive = new Set<string>()
  /** What happens while an owner is asked. */
  meanwhile: () => Promise<unknown> = async () => undefined
  readonly #addresses = new Map<number, Address>()
  #ids = 0

  constructor() {
    const workspace = realpathSync(mkdtempSync(path.join(tmpdir(), 'reins-runner-')))
    this.journal.feed.frames(session, ({ frame, to }) => this.#addresses.set(frame.seq, to))
    const presence: Presence = {
      begin: () => undefined,
      end: () => undefined,
      ask: async (owner) => {
        await this.meanwhile()
        return this.alive.has(owner) ? 'running' : 'gone'
      },
      tellAbort: () => undefined,
      suspect: () => false,
      leave: () => undefined,
      close: () => undefined,
    }
    const context: RunnerContext = {
      instance: me,
      sessions: this.journal.sessions,
      feed: this.journal.feed,
      clock: { now: () => 0, random: () => (this.#ids++ % 1000) / 1000 },
      tools: {
        workspaceRoot: workspace,
        masked: [],
        sandbox: {
          kind: 'none',
          detail: 'none for this test',
          networkAllowed: false,
          spawn: () => ({ kind: 'refused', message: 'no sandbox in this test' }),
        },
        locks: new PathLocks(),
        registry: { version: async () => ({ digest, definition, by: 'test', at: 0 }) },
        keep: async () => 'kept',
        redactor: nothingToRedact,
      },
      ackWaitMs: 60_000,
      freshMs: 250,
      followAfterMs: 60_000,
      stopping: new AbortController().signal,
      pauseAt: noPausePoints,
      presence: () => presence,
      reading: (read) => read(),
      report: (_session, error) => {
        throw error
      },
      finished: () => undefined,
      active: new Set(),
      idle: () => undefined,
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
    const draft = {
      id: `f${head.n + 1}`,
      n: head.n + 1,
      prev: head.seq,
      at: 0,
      by,
      role,
      needs: 1,
      status: 'waiting' as const,
      pool: 'default',
      events,
    }
    await this.journal.sessions.append(session, draft, to, head.hash)
    const frame = (await this.journal.sessions.read(session)).at(-1)
    if (!frame) throw new Error('nothing was appended')
    return frame
  }

  /** An executor asks for calls of turn t1: reads of files that are not there. */
  ask(calls: Readonly<Record<string, ReplayClass>>): Promise<Frame> {
    const requested = Object.entries(calls).map(([call, replay]) => ({
      call,
      name: 'read_file',
      arguments: { path: 'nothing.txt' },
      replay,
    }))
    return this.append(
      'executor-1',
      'e',
      [{ type: 'tool-calls.requested', data: { turn: 't1', digest, calls: requested } }],
      toTool('default'),
    )
  }

  /** Hands the frame over. */
  deliver(frame: Frame, { redelivered = false } = {}): Delivered {
    let acked = false
    const trigger: Trigger = {
      session,
      frame,
      to: toTool('default'),
      ageMs: 0,
      redelivered,
      ack: () => {
        acked = true
      },
      nak: () => undefined,
      working: () => undefined,
    }
    this.tools.deliver(trigger)
    return { trigger, acked: () => acked }
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
