import { expect, test } from 'vitest'
import { decodeDelta } from './delta.ts'

const delta = { call: 'c', attempt: 1, block: 0, kind: 'text', offset: 0, text: 'hello' }

test('a delta is read as it was written', () => {
  expect(decodeDelta(JSON.stringify(delta))).toEqual(delta)
  const named = { ...delta, kind: 'arguments', tool: 'shell', toolCall: 'call_1' }
  expect(decodeDelta(JSON.stringify(named))).toEqual(named)
})

test.each([
  ...['garbage', '', 'null', '[]', '7', '{}'],
  ...[
    { block: 'x' },
    { block: -1 },
    { offset: 0.5 },
    { attempt: '1' },
    { kind: 'other' },
    { tool: {} },
    { toolCall: 1 },
  ].map((odd) => JSON.stringify({ ...delta, ...odd })),
])('%s is none', (text) => {
  expect(decodeDelta(text)).toBeUndefined()
})
