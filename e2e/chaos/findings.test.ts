import { type Draft, decodeFrame, emptyHead, encodeFrame, type Role, type SessionEvent, toLog } from '@reins/contracts'
import { expect, test } from 'vitest'
import type { StoredFrame } from '../harness/stored-log.ts'
import { type Evidence, examine } from './findings.ts'

const id = '01JZZZZZZZZZZZZZZZZZZZZZZZ'
const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }

interface Said {
  readonly at: number
  readonly by: string
  readonly role: Role
  readonly status: Draft['status']
  readonly events: readonly SessionEvent[]
}

function log(said: readonly Said[]): readonly StoredFrame[] {
  let { hash } = emptyHead(id)
  return said.map((one, at): StoredFrame => {
    const draft = { id: `f${at}`, n: at + 1, prev: at, needs: 1, pool: 'default', ...one }
    const encoded = encodeFrame(draft, hash)
    hash = encoded.hash
    const headers = new Map(encoded.headers)
    const header = (name: string): string => headers.get(name) ?? ''
    return {
      session: id,
      to: toLog,
      frame: decodeFrame({ seq: at + 1, role: one.role, body: encoded.body, header }),
      eventsJson: JSON.stringify(one.events),
    }
  })
}

/** One turn with one call of a tool that may run once only. */
const turn: readonly Said[] = [
  {
    at: 0,
    by: 'user:admin',
    role: 'g',
    status: 'idle',
    events: [
      {
        type: 'session.started',
        data: {
          agent: 'a',
          digest: 'd',
          model: 'scripted/assistant',
          pools: { executor: 'default', tools: 'default' },
          limits: { maxToolCalls: 10 },
          tools: { shell: 'never' },
        },
      },
      { type: 'message.received', data: { message: 'm1', content: [{ type: 'text', text: 'x' }], onBusy: 'queue' } },
    ],
  },
  {
    at: 10,
    by: 'executor-1',
    role: 'e',
    status: 'running',
    events: [
      { type: 'turn.started', data: { turn: 't2', messages: ['m1'] } },
      { type: 'model-call.started', data: { call: 'c2', attempt: 1, turn: 't2', model: 'scripted/assistant' } },
    ],
  },
  {
    at: 1010,
    by: 'executor-2',
    role: 'e',
    status: 'running',
    events: [
      { type: 'model-call.failed', data: { call: 'c2', attempt: 1, error: { code: 'lost', message: 'gone' } } },
      { type: 'model-call.started', data: { call: 'c2', attempt: 2, turn: 't2', model: 'scripted/assistant' } },
    ],
  },
  {
    at: 1020,
    by: 'executor-2',
    role: 'e',
    status: 'waiting',
    events: [
      {
        type: 'model-call.completed',
        data: {
          call: 'c2',
          attempt: 2,
          content: [{ type: 'tool-call', call: 'c2-0', providerCall: 'p', name: 'shell', arguments: {} }],
          usage,
          finish: 'tool-calls',
        },
      },
      {
        type: 'tool-calls.requested',
        data: { turn: 't2', digest: 'd', calls: [{ call: 'c2-0', name: 'shell', arguments: {}, replay: 'never' }] },
      },
    ],
  },
  {
    at: 1030,
    by: 'tool-runner-1',
    role: 't',
    status: 'waiting',
    events: [{ type: 'tool-call.started', data: { call: 'c2-0', attempt: 1 } }],
  },
  {
    at: 1040,
    by: 'tool-runner-1',
    role: 't',
    status: 'waiting',
    events: [{ type: 'tool-call.completed', data: { call: 'c2-0', attempt: 1, status: 'ok', output: 'x' } }],
  },
  {
    at: 1050,
    by: 'executor-2',
    role: 'e',
    status: 'idle',
    events: [
      { type: 'model-call.started', data: { call: 'c7', attempt: 1, turn: 't2', model: 'scripted/assistant' } },
      {
        type: 'model-call.completed',
        data: { call: 'c7', attempt: 1, content: [{ type: 'text', text: 'x' }], usage, finish: 'stop' },
      },
      { type: 'turn.completed', data: { turn: 't2', call: 'c7', usage, reason: 'answered' } },
    ],
  },
]

const examined = (changes: Partial<Evidence>) =>
  examine({
    frames: log(turn),
    accepted: [{ session: id, message: 'm1' }],
    witnessed: [`${id}/c2-0`],
    hits: [],
    ...changes,
  })

test('a turn that was taken over and ended is without findings, and its recovery is measured from the kill', () => {
  const found = examined({ hits: [{ kind: 'kill', at: 20, instance: 'executor-1' }] })
  expect(found).toMatchObject({ lost: [], repeated: [], stuck: [], violations: [], takeovers: 1, recoveries: [990] })
})

test('a recovery is told apart when the broker, or another one of its kind, was hit meanwhile', () => {
  const kill = { kind: 'kill', at: 20, instance: 'executor-1' } as const
  expect(examined({ hits: [kill] }).undisturbed).toEqual([990])
  expect(examined({ hits: [kill, { kind: 'stall', at: 30, instance: 'tool-runner-1' }] }).undisturbed).toEqual([990])
  expect(examined({ hits: [kill, { kind: 'stall', at: 30, instance: 'executor-2' }] }).undisturbed).toEqual([])
  expect(examined({ hits: [kill, { kind: 'nats-server kill', at: 30, instance: undefined }] }).undisturbed).toEqual([])
})

test('the death of one who held nothing is no recovery', () => {
  expect(examined({ hits: [{ kind: 'kill', at: 1015, instance: 'executor-1' }] }).recoveries).toEqual([])
})

test('an accepted message that is not in the log is lost', () => {
  expect(examined({ accepted: [{ session: id, message: 'm9' }] }).lost).toHaveLength(1)
})

test('a tool that ran twice is repeated', () => {
  expect(examined({ witnessed: [`${id}/c2-0`, `${id}/c2-0`] }).repeated).toEqual([
    `the tool call ${id}/c2-0 ran 2 times`,
  ])
})

test('a tool that is told as done and never ran, or that ran without a claim, is a violation', () => {
  expect(examined({ witnessed: [] }).violations).toHaveLength(1)
  expect(examined({ witnessed: [`${id}/c2-0`, `${id}/c9-0`] }).violations).toHaveLength(1)
})

test('a session whose last outcome woke nobody is stuck', () => {
  expect(examined({ frames: log(turn.slice(0, 6)) }).stuck.length).toBeGreaterThan(0)
})
