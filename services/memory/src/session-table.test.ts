import { expect, test } from 'vitest'
import type { StoredFrame } from './session-stream.ts'
import { joining } from './session-table.ts'

const message = (seq: number, previous = seq - 1): StoredFrame => ({
  seq,
  previous,
  subject: 'ses',
  owner: undefined,
  frame: undefined,
  storedAt: 0,
})
const joined = (seq: number, ...batch: StoredFrame[]) => joining(batch, seq).map((one) => one.seq)

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
