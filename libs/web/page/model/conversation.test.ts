import type { StreamItem } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { followConversation, mayStandStill, newConversation, type Sending, stillSending } from './conversation.ts'

let n = 0
const received = (message: string, text: string): StreamItem => ({
  ...{ cursor: `c${++n}`, n, i: 0, at: 0, by: 'test', type: 'message.received' },
  data: { message, content: [{ type: 'text', text }], onBusy: 'queue' },
})
const sending = (...texts: readonly string[]): readonly Sending[] => texts.map((text, at) => ({ key: `k${at}`, text }))
const empty = newConversation('s1')

describe('a message that is being sent', () => {
  test('is shown once when the stream brings it before the answer to its request', () => {
    const after = followConversation(empty, received('m1', 'say next'))
    expect(stillSending(sending('say next', 'say more'), empty, after)).toEqual([{ key: 'k1', text: 'say more' }])
  })

  test('stays when the stream brings what somebody else wrote', () => {
    const after = followConversation(empty, received('m1', 'another'))
    expect(stillSending(sending('say next'), empty, after)).toEqual(sending('say next'))
  })

  test('is another one than a message of the same text that waited before', () => {
    const before = followConversation(empty, received('m1', 'go on'))
    const after = followConversation(before, { type: 'session.queued', cursor: 'q', data: { since: 0, ahead: 2 } })
    expect(stillSending(sending('go on'), before, after)).toEqual(sending('go on'))
  })

  test('is gone once: two of the same text that come one after the other take one each', () => {
    const first = followConversation(empty, received('m1', 'go on'))
    const second = followConversation(first, received('m2', 'go on'))
    const left = stillSending(sending('go on', 'go on'), empty, first)
    expect(stillSending(left, first, second)).toEqual([])
  })
})

describe('a session may stand still because nobody serves it', () => {
  const event = (type: string, data: object): StreamItem =>
    ({ cursor: `c${++n}`, n, i: 0, at: 0, by: 'test', type, data }) as StreamItem
  const after = (...items: readonly StreamItem[]) => mayStandStill(items.reduce(followConversation, empty))
  const begun = () => [
    received('m1', 'go'),
    event('turn.started', { turn: 't1', messages: ['m1'] }),
    event('model-call.started', { call: 'k1', attempt: 1, turn: 't1', model: 'scripted/demo' }),
  ]

  test('where a message waits, and in a turn', () => {
    expect(after()).toBe(false)
    expect(after(received('m1', 'go'))).toBe(true)
    expect(after(...begun())).toBe(true)
  })

  test('and not where a person is to decide, or has paused it', () => {
    const call = { call: 'c1', name: 'shell', arguments: {} }
    const asked = () => event('approval.requested', { ...call, digest: '0'.repeat(64), reason: 'It asks.' })
    expect(after(...begun(), asked())).toBe(false)
    expect(after(...begun(), event('session.paused', {}))).toBe(false)
  })
})
