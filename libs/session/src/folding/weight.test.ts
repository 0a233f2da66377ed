import { expect, test } from 'vitest'
import { g, given, message, started } from '../../test/given.ts'
import { unweighed, waitingBytes, weigh } from './weight.ts'

test('what waits is counted with its text', () => {
  const few = given(g(started(), message('m0'))).session
  const more = given(g(started(), message('m0')), g(message('m1'))).session
  expect(waitingBytes(few)).toBeGreaterThan(0)
  expect(waitingBytes(more)).toBe(2 * waitingBytes(few))
})

test('what was counted before is not counted again, and nothing is counted of another transcript', () => {
  const { session } = given(g(started(), message('m0')))
  expect(weigh(session)).toEqual(unweighed)
  expect(weigh(session, { messages: 7, bytes: 1_000_000 })).toEqual(unweighed)
})
