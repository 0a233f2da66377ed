import { CallSlots } from '@reins/holder'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WorkPlace } from './work-place.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const slotsFor = (most: number) => new CallSlots({ most, room: () => true, now: () => 0 })

test('a call is work at first; once it has taken long it waits, says so once, and frees what it takes at its end', () => {
  const [work, slots] = [slotsFor(2), slotsFor(5)]
  const waits = vi.fn()
  {
    using place = new WorkPlace({ work, slots, waitsAfterMs: 1000 }, 'ann', waits)
    expect([place.works, work.taken]).toEqual([true, 1])
    vi.advanceTimersByTime(5000)
    expect(place.works).toBe(false)
    expect(waits).toHaveBeenCalledTimes(1)
    expect([work.taken, slots.taken]).toEqual([0, 1])
  }
  expect([work.taken, slots.taken]).toEqual([0, 0])
})

test('a call that is short takes no slot of those that wait', () => {
  const [work, slots] = [slotsFor(2), slotsFor(5)]
  {
    using _place = new WorkPlace({ work, slots, waitsAfterMs: 1000 }, 'ann', () => undefined)
    vi.advanceTimersByTime(900)
  }
  vi.advanceTimersByTime(5000)
  expect(slots.taken).toBe(0)
})

test('where there is no slot for it, it stays work until there is', () => {
  const [work, slots] = [slotsFor(2), slotsFor(1)]
  const [other] = [slots.force('ann'), slots.force('bob'), slots.force('cleo')]
  using place = new WorkPlace({ work, slots, waitsAfterMs: 1000 }, 'ann', () => undefined)
  vi.advanceTimersByTime(3000)
  expect(place.works).toBe(true)
  other[Symbol.dispose]()
  vi.advanceTimersByTime(1000)
  expect(place.works).toBe(false)
})

test('a call that waits for a person takes nothing, and works again when it goes on', () => {
  const [work, slots] = [slotsFor(2), slotsFor(5)]
  const freed = vi.fn()
  using place = new WorkPlace({ work, slots, waitsAfterMs: 1000 }, 'ann', freed)
  place.park()
  expect([work.taken, slots.taken, freed.mock.calls.length]).toEqual([0, 0, 1])
  place.resume()
  expect([work.taken, place.works]).toEqual([1, true])
})
