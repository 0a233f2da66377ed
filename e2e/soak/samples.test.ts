import { expect, test } from 'vitest'
import { growth, type Sample } from './samples.ts'

const sample = (turns: number, heap: number, consumers = 5): Sample => ({
  turns,
  rate: 300,
  processes: [{ name: 'executor', heap, resident: 2 * heap, handles: 12 }],
  consumers,
  subscriptions: 80,
  connections: 6,
})
const tenths = Array.from({ length: 10 }, (_, at) => (at + 1) * 1000)

test('caches that fill at first and then stay are flat', () => {
  expect(growth(tenths.map((turns) => sample(turns, Math.min(90, 30 + turns / 50))))).toEqual([])
})

test('a heap that never stops growing is named, with its process', () => {
  const found = growth(tenths.map((turns) => sample(turns, 30 + turns / 50)))
  expect(found.join()).toContain('the heap of executor')
})

test('consumers that are left behind are named', () => {
  const found = growth(tenths.map((turns) => sample(turns, 60, turns / 20)))
  expect(found).toEqual([expect.stringContaining('the consumers grew')])
})
