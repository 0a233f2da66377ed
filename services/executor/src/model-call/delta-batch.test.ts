import { setImmediate as turn } from 'node:timers/promises'
import type { Delta } from '@reins/contracts'
import { expect, test } from 'vitest'
import { DeltaBatch } from './delta-batch.ts'

const delta = (offset: number, text: string, more: Partial<Delta> = {}): Delta => ({
  ...{ call: 'c', attempt: 1, block: 0, kind: 'text', offset, text },
  ...more,
})

function batch() {
  const published: Delta[] = []
  return { published, deltas: new DeltaBatch((one) => void published.push(one)) }
}

test('tokens of one turn of the event loop leave as one delta', async () => {
  const { published, deltas } = batch()
  deltas.push(delta(0, 'Hello'))
  await Promise.resolve()
  deltas.push(delta(5, ' there'))
  expect(published).toEqual([])
  await turn()
  expect(published).toEqual([delta(0, 'Hello there')])
})

test('a token that arrives alone leaves alone', async () => {
  const { published, deltas } = batch()
  deltas.push(delta(0, 'Hello'))
  await turn()
  deltas.push(delta(5, ' there'))
  await turn()
  expect(published).toEqual([delta(0, 'Hello'), delta(5, ' there')])
})

test('what does not continue the text is a delta of its own, in order', () => {
  const { published, deltas } = batch()
  const call = { block: 1, kind: 'arguments', tool: 'shell', toolCall: 'c-0' } as const
  const given = [
    delta(0, 'a'),
    delta(0, 'thought', { kind: 'reasoning' }),
    delta(1, 'b'),
    delta(0, '{', call),
    delta(2, 'gap', call),
    delta(5, '}', { ...call, attempt: 2 }),
  ]
  for (const one of given) deltas.push(one)
  deltas.flush()
  expect(published).toEqual(given)
})

test('a flush leaves nothing behind for later', async () => {
  const { published, deltas } = batch()
  deltas.push(delta(0, 'Hello'))
  deltas.flush()
  deltas.flush()
  await turn()
  expect(published).toEqual([delta(0, 'Hello')])
})
