import { expect, test } from 'vitest'
import { type Applicable, joining } from './checkpoint.ts'

const message = (seq: number, previous = seq - 1): Applicable => ({ seq, previous })
const joined = (seq: number, ...batch: Applicable[]) => joining(batch, seq).map((one) => one.seq)

test('a batch that follows the checkpoint is taken whole', () => {
  expect(joined(4, message(5), message(6), message(7))).toEqual([5, 6, 7])
})

test('what the checkpoint accounts for is passed over', () => {
  expect(joined(6, message(5), message(6), message(7))).toEqual([7])
  expect(joined(9, message(5), message(6))).toEqual([])
})

test('a batch that begins behind a gap is not taken, for the checkpoint would hide for ever what is missing', () => {
  expect(joined(4, message(6), message(7))).toEqual([])
})

test('a batch with a gap is taken up to it', () => {
  expect(joined(4, message(5), message(8), message(9))).toEqual([5])
})

test('a hole that the broker itself has is no gap', () => {
  expect(joined(4, message(5), message(9, 5), message(10, 9))).toEqual([5, 9, 10])
})
