import { expect, test } from 'vitest'
import { defaultRetryPolicy, failureEvents } from './retries.ts'

const types = (throttles: number, failure: Parameters<typeof failureEvents>[1]) =>
  failureEvents(
    { call: 'c1', attempt: throttles + 1, throttles },
    failure,
    '',
    { now: 0, random: 0 },
    defaultRetryPolicy,
  ).map(({ type }) => type)
const later = ['model-call.throttled', 'timer.armed']
const over = ['model-call.failed']

test('a failure is tried again as often as its adapter says that it can help, and never more often than the policy', () => {
  const network = { type: 'failed', code: 'network', message: 'cut' } as const
  expect(types(5, network)).toEqual(later)
  expect(types(6, network)).toEqual(over)
  expect(types(0, { ...network, retries: 0 })).toEqual(over)
  expect(types(0, { ...network, retries: 1 })).toEqual(later)
  expect(types(1, { ...network, retries: 1 })).toEqual(over)
  expect(types(6, { ...network, retries: 100 })).toEqual(over)
})

test('an error of the request is tried again only where the adapter says so', () => {
  const bad = { type: 'failed', code: 'bad-request', message: 'empty' } as const
  expect(types(0, bad)).toEqual(over)
  expect(types(0, { ...bad, retries: 1 })).toEqual(later)
})
