import { type Draft, decodeFrame, emptyHead, encodeFrame, type Role, type SessionEvent } from '@reins/contracts'
import { expect, test } from 'vitest'
import { checkLog, restProblems } from './check-log.ts'
import type { StoredFrame } from './stored-frame.ts'

const id = '01JZZZZZZZZZZZZZZZZZZZZZZZ'
const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }

interface Said {
  readonly role: Role
  readonly events: readonly SessionEvent[]
  readonly by?: string
  readonly status?: Draft['status']
  /** What is wrong with it. */
  readonly tamper?: Partial<Pick<Draft, 'n' | 'prev' | 'at'>>
}

/** The frames as they would lie in the stream. */
function log(...said: readonly Said[]): readonly StoredFrame[] {
  let { hash } = emptyHead(id)
  return said.map(({ role, events, by = 'test', status = 'running', tamper }, at): StoredFrame => {
    const draft = {
      id: `f${at}`,
      n: at + 1,
      prev: at,
      at: 0,
      by,
      role,
      needs: 1,
      status,
      pool: 'default',
      events,
    }
    const encoded = encodeFrame(draft, hash)
    hash = encoded.hash
    const headers = new Map(encoded.headers)
    const frame = decodeFrame({ seq: at + 1, role, body: encoded.body, header: (name) => headers.get(name) ?? '' })
    return { frame: { ...frame, ...tamper }, eventsJson: JSON.stringify(events) }
  })
}

const started: Said = {
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
    { type: 'message.received', data: { message: 'm1', content: [{ type: 'text', text: 'hi' }], onBusy: 'queue' } },
  ],
}
const begun: Said = {
  role: 'e',
  events: [
    { type: 'turn.started', data: { turn: 't2', messages: ['m1'] } },
    { type: 'model-call.started', data: { call: 'c2', attempt: 1, turn: 't2', model: 'scripted/assistant' } },
  ],
}
const answer: SessionEvent = {
  type: 'model-call.completed',
  data: { call: 'c2', attempt: 1, content: [{ type: 'text', text: 'hello' }], usage, finish: 'stop' },
}
const ended: Said = {
  role: 'e',
  status: 'idle',
  events: [answer, { type: 'turn.completed', data: { turn: 't2', call: 'c2', usage, reason: 'answered' } }],
}

const problems = (...said: readonly Said[]): readonly string[] => checkLog(id, log(...said)).problems

test('a whole turn has no problems, and is at rest', () => {
  const frames = log(started, begun, ended)
  expect(checkLog(id, frames)).toMatchObject({ problems: [], atRest: true })
  expect(restProblems(id, frames)).toEqual([])
})

test('an answer that is not there yet is no problem, but no rest', () => {
  const frames = log(started, begun)
  expect(checkLog(id, frames)).toMatchObject({ problems: [], atRest: false })
  expect(restProblems(id, frames)).toEqual([
    `${id}: waits for {"kind":"exec-trigger","why":"a model call is in flight"}`,
  ])
})

test('a head whose status promises what the fold does not keep is no rest', () => {
  expect(restProblems(id, log(started, begun, { ...ended, status: 'waiting' }))).toEqual([
    `${id}: the head says waiting, the fold idle`,
  ])
})

test('a second outcome of one call is found', () => {
  expect(problems(started, begun, ended, { role: 'e', events: [answer] })).toEqual([
    expect.stringContaining('#4: model-call.completed changes nothing'),
  ])
})

test('a frame that was changed after it was written is found by its hash', () => {
  expect(problems(started, { ...begun, tamper: { at: 7 } }, ended)).toEqual([
    `${id}#2: its hash is not that of its content on the frame before`,
  ])
})

test('a frame that was appended on another one than the head is found', () => {
  expect(problems(started, { ...begun, tamper: { prev: 0 } })).toEqual(
    expect.arrayContaining([`${id}#2: appended on sequence 0, but 1 was the head`]),
  )
})

test('a message that is taken in twice is found', () => {
  const again: Said = { role: 'g', events: [started.events[1] as SessionEvent] }
  expect(problems(started, again)).toEqual([expect.stringContaining('#2: message.received changes nothing')])
})

test('a role that says what it may not is found', () => {
  expect(problems(started, { ...begun, role: 't' })).toEqual(
    expect.arrayContaining([`${id}#2: role t may not say turn.started`]),
  )
})

test('what begins while a cancel waits is found', () => {
  const cancel: Said = { role: 'g', events: [{ type: 'cancel.requested', data: { cancel: 'x' } }] }
  expect(problems(started, cancel, begun)).toEqual(
    expect.arrayContaining([`${id}#3: turn.started while a cancel waits`]),
  )
})

test('a late result of a call that is still open is found', () => {
  const asked: Said = {
    role: 'e',
    events: [
      {
        type: 'model-call.completed',
        data: {
          call: 'c2',
          attempt: 1,
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
  }
  const late: Said = {
    role: 't',
    events: [{ type: 'tool-call.late-result', data: { call: 'c2-0', attempt: 1, status: 'ok', output: 'x' } }],
  }
  expect(problems(started, begun, asked, late)).toEqual([`${id}#4: a late result of c2-0, which has no outcome yet`])
  const claimed = (attempt: number): Said => ({
    role: 't',
    events: [{ type: 'tool-call.started', data: { call: 'c2-0', attempt } }],
  })
  // What a later attempt has been started for is told late by the earlier one, whose process stood still.
  expect(problems(started, begun, asked, claimed(1), claimed(2), late)).toEqual([])
  // So is what another process has claimed, which was handed the call while the first one was slow.
  expect(problems(started, begun, asked, { ...claimed(1), by: 'other' }, late)).toEqual([])
  expect(problems(started, begun, asked, claimed(1), late)).toHaveLength(1)
})
