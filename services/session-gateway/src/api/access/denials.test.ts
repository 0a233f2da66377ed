import type { DenialEntry } from '@reins/contracts'
import { expect, test } from 'vitest'
import { Denials } from './denials.ts'

function counted(writes = true) {
  const written: DenialEntry[] = []
  const clock = { now: 1000, writes }
  const denials = new Denials({
    now: () => clock.now,
    record: async (entries) => {
      if (clock.writes) written.push(...entries)
      return clock.writes
    },
    everyMs: 1_000_000,
  })
  return { denials, written, clock }
}
const denial = (principal: string, operation = 'GET /v1/agents') => ({ principal, operation, from: '127.0.0.1' })

test('the first refusal is recorded at once, and a flood of them is one record a minute', async () => {
  const { denials, written, clock } = counted()
  denials.note({ ...denial('ann'), permission: 'agent:x:read' })
  await denials.flush()
  for (let i = 0; i < 10_000; i++) denials.note(denial('ann'))
  await denials.flush()
  expect(written.map(({ count, permission }) => [count, permission])).toEqual([[1, 'agent:x:read']])
  clock.now += 60_000
  await denials.flush()
  expect(written.map(({ count }) => count)).toEqual([1, 10_000])
})

test('however many kinds there are, they are some records, and none is lost from the count', async () => {
  const { denials, written } = counted()
  for (let i = 0; i < 5000; i++) denials.note(denial(`eve-${i}`))
  await denials.flush()
  expect(written.length).toBeLessThanOrEqual(51)
  expect(written.reduce((sum, { count }) => sum + count, 0)).toBe(5000)
  expect(written.at(-1)).toMatchObject({ principal: '*', operation: 'others', count: 4950 })
})

test('what cannot be recorded now is recorded later, and what is left at the end', async () => {
  const { denials, written, clock } = counted(false)
  denials.note(denial('ann'))
  await denials.flush()
  denials.note(denial('ann'))
  clock.writes = true
  await denials.close()
  expect(written).toEqual([{ ...denial('ann'), count: 2, firstAt: 1000, at: 1000 }])
})
