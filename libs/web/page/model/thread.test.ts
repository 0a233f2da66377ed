import type { ApiEvent, EventData, EventType, StreamItem } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { followThread, type Item, newThread, type Thread } from './thread.ts'

let n = 0
const event = <T extends EventType>(type: T, data: EventData<T>, at = 0): ApiEvent => {
  n++
  return { cursor: `c${n}`, n, i: 0, at, by: 'test', type, data }
}
const usage = { inputTokens: 120, outputTokens: 34, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
const delta = (
  offset: number,
  text: string,
  kind: 'text' | 'reasoning' | 'output' = 'text',
  call = 'k1',
): StreamItem => ({
  type: 'delta',
  cursor: `d${offset}`,
  data: { call, attempt: 1, block: kind === 'text' ? 1 : 0, kind, offset, text },
})
const said = (text: string, message = 'm1') =>
  event('message.received', { message, content: [{ type: 'text', text }], onBusy: 'queue' })
const begun = () => [
  said('Hi'),
  event('turn.started', { turn: 't1', messages: ['m1'] }),
  event('model-call.started', { call: 'k1', attempt: 1, turn: 't1', model: 'scripted/demo' }),
]
const call = { call: 'c1', name: 'shell', arguments: { command: 'ls' }, replay: 'never' as const }
const asked = () => event('tool-calls.requested', { turn: 't1', digest: 'd', calls: [call] }, 10)

const given = (...items: readonly StreamItem[]) => {
  const thread = items.reduce(followThread, newThread)
  return {
    thread,
    when: (...more: readonly StreamItem[]) => {
      const after = more.reduce(followThread, thread)
      return { after, shows: (shown: readonly Partial<Item>[]) => expect(after.items).toMatchObject(shown) }
    },
  }
}
const keys = ({ items }: Thread): readonly string[] => items.map(({ key }) => key)

describe('what the page shows of a session', () => {
  test('a message, then the answer as it grows, in one item that keeps its key', () => {
    const { thread, when } = given(...begun(), delta(0, 'Hel'))
    const { after, shows } = when(delta(3, 'lo'))
    shows([
      { kind: 'message', text: 'Hi' },
      { kind: 'answer', text: 'Hello', open: true },
    ])
    expect(keys(after)).toEqual(keys(thread))
  })

  test('a thought and the answer after it are items of their own', () => {
    given(...begun(), delta(0, 'Let me see.', 'reasoning'))
      .when(delta(0, 'Yes.'))
      .shows([{ kind: 'message' }, { kind: 'reasoning', text: 'Let me see.' }, { kind: 'answer', text: 'Yes.' }])
  })

  test('an answer that starts anew takes back what was shown of it', () => {
    given(...begun(), delta(0, 'Half of'))
      .when({ type: 'answer.restarted', cursor: 'r', data: { call: 'k1', attempt: 2 } })
      .shows([{ kind: 'message' }])
  })

  test('an event that comes again changes nothing', () => {
    const items = [...begun(), delta(0, 'Hello')]
    const { thread } = given(...items)
    expect(items.reduce(followThread, thread)).toEqual(thread)
  })

  test('a call stands where it was asked for while it runs, shows its output, and stays there when it ends', () => {
    const { thread, when } = given(...begun(), asked(), delta(0, 'README.md\n', 'output', 'c1'))
    expect(thread.items.at(-1)).toMatchObject({ kind: 'tool', running: { tail: 'README.md\n' } })
    const { after, shows } = when(
      event('tool-call.completed', { call: 'c1', attempt: 1, status: 'ok', output: 'README.md', duration: 12 }, 20),
    )
    shows([{ kind: 'message' }, { kind: 'tool', outcome: 'ok', output: 'README.md', ms: 12 }])
    expect(keys(after)).toEqual(keys(thread))
    expect(after.items.at(-1)).not.toHaveProperty('running')
  })

  test('a call whose output was cut names where the whole of it is', () => {
    const ends = { call: 'c1', attempt: 1, status: 'ok', output: 'a …', ref: 'sha256-9f', duration: 12 } as const
    given(...begun(), asked())
      .when(event('tool-call.completed', ends, 20))
      .shows([{ kind: 'message' }, { kind: 'tool', output: 'a …', ref: 'sha256-9f' }])
  })

  test('a turn that was cancelled leaves no call running', () => {
    given(...begun(), asked())
      .when(event('turn.cancelled', { turn: 't1', usage, reason: 'cancelled' }, 30))
      .shows([{ kind: 'message' }, { kind: 'tool', outcome: 'cancelled' }, { kind: 'notice' }, { kind: 'turn' }])
  })

  test('a hint is gone with what comes next', () => {
    const hint: StreamItem = { type: 'session.queued', cursor: 'q', data: { since: 0, ahead: 2 } }
    const { thread, when } = given(...begun(), hint)
    expect(thread.items.at(-1)).toMatchObject({ kind: 'hint', text: expect.stringContaining('after 2 others') })
    when(delta(0, 'Hello')).shows([{ kind: 'message' }, { kind: 'answer' }])
  })

  test('a pause says so, and that it can be resumed', () => {
    given(...begun())
      .when(event('session.paused', {}))
      .shows([{ kind: 'message' }, { kind: 'notice', control: 'resume', text: 'The session is paused.' }])
  })
})
