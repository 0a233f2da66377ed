import { CallSlots } from '@reins/holder'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WorkPlace } from './work-place.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const slotsFor = (most: number) => new CallSlots({ most, room: () => true, now: () => 0 })

test('a call is work at first; once it has taken long it waits, says so once, and frees what it takes at its end', () => {
  const slots = slotsFor(5)
  const waits = vi.fn()
  {
    using place = new WorkPlace({ slots, waitsAfterMs: 1000 }, waits)
    expect(place.works).toBe(true)
    vi.advanceTimersByTime(5000)
    expect(place.works).toBe(false)
    expect(waits).toHaveBeenCalledTimes(1)
    expect(slots.taken).toBe(1)
  }
  expect(slots.taken).toBe(0)
})

test('a call that is short takes no slot of those that wait', () => {
  const slots = slotsFor(5)
  {
    using _place = new WorkPlace({ slots, waitsAfterMs: 1000 }, () => undefined)
    vi.advanceTimersByTime(900)
  }
  vi.advanceTimersByTime(5000)
  expect(slots.taken).toBe(0)
})

test('where there is no slot for it, it stays work until there is', () => {
  const slots = slotsFor(1)
  const other = slots.force()
  using place = new WorkPlace({ slots, waitsAfterMs: 1000 }, () => undefined)
  vi.advanceTimersByTime(3000)
  expect(place.works).toBe(true)
  other[Symbol.dispose]()
  vi.advanceTimersByTime(1000)
  expect(place.works).toBe(false)
})
