import type { Heartbeat } from '@reins/contracts'
import { expect, test } from 'vitest'
import { SlowCalls } from './slow-calls.ts'

const beat = (slow?: Heartbeat['slow']): Heartbeat => ({
  ...{ instance: 'r1', pools: [], labels: {}, slots: 1, busy: 0 },
  ...(slow === undefined ? {} : { slow }),
})
const call = { session: 's1', call: 'k1', name: 'shell', since: 5 }

test('a slow call is told once, and known until its runner says otherwise or is gone', () => {
  let now = 0
  const calls = new SlowCalls(() => now)
  const told: string[] = []
  calls.onSlow((session, one) => void told.push(`${session} ${one.call} ${one.since}`))
  calls.heard(beat())
  calls.heard(beat([call]))
  calls.heard(beat())
  calls.heard(beat([call]))
  expect(told).toEqual(['s1 k1 5'])
  expect(calls.of('s1')).toEqual([{ call: 'k1', name: 'shell', since: 5 }])
  expect(calls.of('s2')).toEqual([])
  calls.heard(beat([{ ...call, since: 9 }]))
  expect(told).toHaveLength(2)
  now = 5000
  expect(calls.of('s1')).toEqual([])
  calls.heard(beat())
  expect(calls.of('s1')).toHaveLength(1)
  calls.heard(beat([]))
  expect(calls.of('s1')).toEqual([])
})
