import { expect, test } from 'vitest'
import { heapShare, memoryRoom, memoryShare } from './memory-room.ts'

test('there is room below the share, and it is looked at again only after a while', () => {
  let now = 0
  let share = 0.5
  let looks = 0
  const room = memoryRoom(
    () => now,
    () => {
      looks++
      return share
    },
  )
  expect(room()).toBe(true)
  share = 0.9
  expect(room()).toBe(true)
  now = 250
  expect(room()).toBe(false)
  expect(looks).toBe(2)
})

test('what this process and this machine use is a share', () => {
  for (const share of [heapShare(), memoryShare()]) {
    expect(share).toBeGreaterThan(0)
    expect(share).toBeLessThan(1)
  }
})
