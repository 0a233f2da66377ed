// given(frames) → what is due, what a holder does, what is shown. A frame is who says it and what; numbers follow by themselves.
import {
  type AssistantBlock,
  type EventOf,
  emptyHead,
  type Head,
  noUsage,
  type OnBusy,
  type Role,
  type SessionEvent,
  type Status,
} from '@reins/contracts'
import { evolve } from '../src/folding/evolve.ts'
import { type Holder, verdict } from '../src/deciding/holder.ts'
import { emptySession, type Session } from '../src/session.ts'

export const id = '01HZZZZZZZZZZZZZZZZZZZZZZZ'

export interface Said {
  readonly role: Role
  readonly by: string
  readonly status?: Status
  readonly events: readonly SessionEvent[]
}
export const g = (...events: readonly SessionEvent[]): Said => ({ role: 'g', by: 'gateway', events })
export const e = (...events: readonly SessionEvent[]): Said => ({ role: 'e', by: 'e1', events })
export const t = (...events: readonly SessionEvent[]): Said => ({ role: 't', by: 'r1', events })
export const m = (...events: readonly SessionEvent[]): Said => ({ role: 'm', by: 'memory', events })
export const by = (instance: string, said: Said): Said => ({ ...said, by: instance })
export const showing = (status: Status, said: Said): Said => ({ ...said, status })

export const started = (change: Partial<EventOf<'session.started'>['data']> = {}): SessionEvent => ({
  type: 'session.started',
  data: {
    agent: 'agent',
    digest: 'd1',
    model: 'scripted/x',
    pools: { executor: 'default', tools: 'default' },
    limits: { maxToolCalls: 10 },
    tools: { shell: 'never', grep: 'safe' },
    agents: { helper: { digest: 'h1', pool: 'helpers' } },
    ...change,
  },
})
export const message = (name: string, onBusy: OnBusy = 'queue'): SessionEvent => ({
  type: 'message.received',
  data: { message: name, content: [{ type: 'text', text: name }], onBusy },
})
export const turn = (name: string, ...messages: readonly string[]): SessionEvent => ({
  type: 'turn.started',
  data: { turn: name, messages: [...messages] },
})
export const calling = (call: string, turnId: string, attempt = 1): SessionEvent => ({
  type: 'model-call.started',
  data: { call, attempt, turn: turnId, model: 'scripted/x' },
})
export const text = (words: string): AssistantBlock => ({ type: 'text', text: words })
export const asks = (call: string, name: string, args: Record<string, unknown> = {}): AssistantBlock => ({
  type: 'tool-call',
  call,
  name,
  arguments: args,
})
export const answered = (call: string, ...content: readonly AssistantBlock[]): SessionEvent => ({
  type: 'model-call.completed',
  data: {
    call,
    attempt: 1,
    content: [...content],
    usage: noUsage,
    finish: content.some(({ type }) => type === 'tool-call') ? 'tool-calls' : 'stop',
  },
})
export const requested = (
  turnId: string,
  ...calls: readonly (readonly [string, 'safe' | 'never'])[]
): SessionEvent => ({
  type: 'tool-calls.requested',
  data: {
    turn: turnId,
    digest: 'd1',
    calls: calls.map(([call, replay]) => ({ call, name: replay === 'safe' ? 'grep' : 'shell', arguments: {}, replay })),
  },
})
export const claimed = (call: string, attempt = 1): SessionEvent => ({
  type: 'tool-call.started',
  data: { call, attempt },
})
export const result = (call: string, output = 'done', attempt = 1): SessionEvent => ({
  type: 'tool-call.completed',
  data: { call, attempt, status: 'ok', output },
})
export const turnCompleted = (turnId: string, call: string): SessionEvent => ({
  type: 'turn.completed',
  data: { turn: turnId, call, usage: noUsage, reason: 'answered' },
})
export const turnCancelled = (
  turnId: string,
  reason: 'cancelled' | 'interrupted' | 'ended' = 'cancelled',
): SessionEvent => ({
  type: 'turn.cancelled',
  data: { turn: turnId, usage: noUsage, reason },
})
export const lost = (call: string, attempt = 1): SessionEvent => ({
  type: 'model-call.failed',
  data: { call, attempt, error: { code: 'lost', message: 'The process that ran it is gone.' } },
})
export const cancel = (end?: true): SessionEvent => ({
  type: 'cancel.requested',
  data: { cancel: 'x1', ...(end ? { end } : {}) },
})
export const paused: SessionEvent = { type: 'session.paused', data: {} }
export const resumed: SessionEvent = { type: 'session.resumed', data: {} }

export interface Given {
  readonly session: Session
  readonly head: Head
  /** One frame more. */
  and(...frames: readonly Said[]): Given
  /** What `instance` does with a trigger; `runs` and `started` name attempts as `c2/1`. */
  verdict(instance: string, runs?: readonly string[], started?: readonly string[]): ReturnType<typeof verdict>
}

export const holder = (instance: string, runs: readonly string[] = [], begun: readonly string[] = runs): Holder => ({
  instance,
  at: 1000,
  runs: (call, attempt) => runs.includes(`${call}/${attempt}`),
  started: (call, attempt) => begun.includes(`${call}/${attempt}`),
})

function make(session: Session, head: Head): Given {
  return {
    session,
    head,
    and: (...frames) => frames.reduce(step, make(session, head)),
    verdict: (instance, runs, begun) => verdict(session, head, holder(instance, runs, begun)),
  }
}

function step({ session, head }: Given, { role, by: writer, status, events }: Said): Given {
  const n = head.n + 1
  const said = { role, n, at: 1000, by: writer }
  const next = events.reduce((state, event) => evolve(state, event, said), session)
  return make(next, { ...head, n, seq: n, pool: 'default', status: status ?? head.status })
}

/** A session after these frames, the first of which is frame 1. */
export const given = (...frames: readonly Said[]): Given => frames.reduce(step, make(emptySession(id), emptyHead(id)))

export const types = (events: readonly SessionEvent[]): readonly string[] => events.map(({ type }) => type)
