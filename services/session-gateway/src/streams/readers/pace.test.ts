import { afterEach, expect, test, vi } from 'vitest'
import { Pace } from './pace.ts'

let now = 0
afterEach(() => {
  vi.useRealTimers()
  now = 0
})

const paced = (busyAbove: number) => new Pace({ busyAbove, now: () => now })
/** So many tokens in a second, for so many viewers each. */
function second(pace: Pace, tokens: number, viewers: number): boolean {
  let busy = false
  for (let at = 0; at < tokens; at++) {
    now += 1000 / tokens
    busy = pace.busyWith(viewers)
  }
  return busy
}

test('one token alone never waits', () => {
  expect(paced(1000).busyWith(1)).toBe(false)
})

test('is busy while more is asked for than can be written, and no longer than that', () => {
  const pace = paced(1000)
  expect(second(pace, 100, 5)).toBe(false)
  expect(second(pace, 100, 50)).toBe(true)
  expect(second(pace, 100, 5)).toBe(false)
})

test('lets everything go that is held back, some of it at a time', () => {
  vi.useFakeTimers()
  const pace = paced(0)
  const gone: number[] = []
  for (let at = 0; at < 50; at++) pace.hold({ letGo: () => void gone.push(at) })
  vi.advanceTimersByTime(100)
  expect(gone.length).toBeGreaterThan(10)
  expect(gone.length).toBeLessThan(40)
  vi.advanceTimersByTime(110)
  expect(gone.length).toBe(50)
  expect(vi.getTimerCount()).toBe(0)
  pace.close()
})
