import type { Frame, SessionEvent } from '@reins/contracts'
import { noUsage } from '@reins/contracts'
import { expect, test } from 'vitest'
import { addTo, usageIn } from './usage-row.ts'

const frame = (...events: readonly SessionEvent[]): Frame =>
  ({ seq: 7, role: 'e', n: 3, prev: 6, id: 'f', at: 1_000, by: 'e1', events }) as unknown as Frame
const answer = (usd?: number, ...tools: readonly string[]): SessionEvent => ({
  type: 'model-call.completed',
  data: {
    ...{ call: 'c1', attempt: 1, usage: { ...noUsage, inputTokens: 100, outputTokens: 10 }, finish: 'stop' },
    content: tools.map((name) => ({ type: 'tool-call', call: name, name, arguments: {} })),
    ...(usd === undefined ? {} : { usd }),
  },
})
const started = (turn: string): SessionEvent => ({ type: 'turn.started', data: { turn, messages: ['m'] } })
const ended = (turn: string): SessionEvent => ({
  type: 'turn.completed',
  data: { turn, call: 'c1', usage: noUsage, reason: 'answered' },
})
const lost: SessionEvent = {
  type: 'model-call.failed',
  data: { call: 'c1', attempt: 1, error: { code: 'lost', message: '' }, charged: { tokens: 500, usd: 0.1 } },
}
const owner = { session: 'S', root: 'R' }
const by = { agent: 'a', principal: 'p', model: 'm' }

test('a frame adds to the turn that is open, and to the one that begins in it', () => {
  const { used, begun, turn } = usageIn(frame(answer(0.5, 'grep'), ended('t1'), started('t9'), answer(0.25)), 't1')
  expect([...used].map(([of, { model_calls, tool_calls, usd }]) => [of, model_calls, tool_calls, usd])).toEqual([
    ['t1', 1, 1, 0.5],
    ['t9', 1, 0, 0.25],
  ])
  expect([begun, turn]).toEqual([['t9'], 't9'])
})

test('tokens without a price, and attempts whose usage nobody knows, are counted apart', () => {
  const counts = usageIn(frame(lost, answer()), 't1').used.get('t1')
  expect(counts).toMatchObject({ usd: 0, unpriced_tokens: 110, charged_tokens: 500, charged_usd: 0.1 })
})

test('a frame that used nothing changes no row', () => expect(usageIn(frame(started('t1')), '').used.size).toBe(0))

test('a row is the sum of what was added to it', () => {
  const counts = usageIn(frame(answer(0.1)), 't1').used.get('t1')!
  const row = addTo(addTo(undefined, owner, 't1', by, counts, frame()), owner, 't1', by, counts, frame())
  expect(row).toMatchObject({ id: 'S/t1', root: 'R', ...by, at: 1_000, model_calls: 2, input_tokens: 200, usd: 0.2 })
})
