import { expect, test } from 'vitest'
import { SeqWaiters } from './seq-waiters.ts'

const longMs = 60_000

test('what is reached already is not waited for', async () => {
  const waiters = new SeqWaiters()
  waiters.reached(7)
  expect(await waiters.waitFor(7, longMs)).toBe(true)
})

test('each waits for its own sequence', async () => {
  const waiters = new SeqWaiters()
  const third = waiters.waitFor(3, longMs)
  const fifth = waiters.waitFor(5, longMs)
  waiters.reached(3)
  expect(await third).toBe(true)
  waiters.reached(6)
  expect(await fifth).toBe(true)
})

test('who waits for what does not come is told so', async () => {
  expect(await new SeqWaiters().waitFor(1, 1)).toBe(false)
})

test('after the rows of another stream were thrown away, what they accounted for is waited for again', async () => {
  const waiters = new SeqWaiters()
  waiters.reached(9)
  waiters.reached(0)
  expect(await waiters.waitFor(9, 1)).toBe(false)
})

test('before it is known what the rows account for, nothing is reached: there may be no tables', async () => {
  const waiters = new SeqWaiters()
  const all = waiters.waitFor(0, longMs)
  expect(await waiters.waitFor(0, 1)).toBe(false)
  waiters.reached(0)
  expect(await all).toBe(true)
})
