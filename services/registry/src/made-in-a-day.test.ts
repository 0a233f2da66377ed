import { maxMadeInADay } from '@reins/contracts'
import { expect, test } from 'vitest'
import { mustHaveRoom } from './made-in-a-day.ts'

const day = 86_400_000
const now = 10 * day
const made = (count: number, by: string, createdAt: number) => Array.from({ length: count }, () => ({ by, createdAt }))
const asked = (all: Parameters<typeof mustHaveRoom>[1]) => () => mustHaveRoom('tokens', all, 'user:ann', now)

test('one principal makes so many in a day, and is told when it may go on', () => {
  expect(asked(made(maxMadeInADay - 1, 'user:ann', now - 1000))).not.toThrow()
  expect(asked([...made(1, 'user:ann', now - day + 5000), ...made(maxMadeInADay - 1, 'user:ann', now)])).toThrow(
    expect.objectContaining({ code: 'too_many_requests', details: { retryAfter: 5 } }),
  )
})

test('what others made, and what was made earlier, does not count', () => {
  const all = [...made(maxMadeInADay, 'user:ben', now), ...made(maxMadeInADay, 'user:ann', now - day)]
  expect(asked(all)).not.toThrow()
})
