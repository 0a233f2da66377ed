import { expect, test } from 'vitest'
import { withQueues } from './health.ts'

const well = { status: 'ok', version: '1', parts: { broker: 'ok' } } as const

test('sessions that wait for a slot for a moment are nothing to speak of', () => {
  expect(withQueues(well, undefined, 10_000)).toEqual(well)
  expect(withQueues(well, { count: 5, since: 6000 }, 10_000)).toEqual(well)
})

test('one that has waited long is, with what to do about it', () => {
  const { status, parts } = withQueues(well, { count: 2, since: 1000 }, 33_500)
  expect(status).toBe('degraded')
  expect(parts).toEqual({
    broker: 'ok',
    queue:
      '2 sessions wait for a slot for a model call, the first for 32 s. Start another executor, or raise --waiting-calls.',
  })
})
