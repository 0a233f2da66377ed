import { CallSlots, type Queued } from '@reins/holder'
import { expect, test } from 'vitest'
import { CallRoom } from './call-room.ts'

const lab = { bucket: 'b', name: 'lab', limit: { requests: 1 } }

function room(most = 1) {
  let now = 0
  const slots = new CallSlots({ most, room: () => true, now: () => now })
  const asked: (() => void)[] = []
  let left = 0
  const quotas = {
    free: () => false,
    reason: () => 'the quota of lab is used up',
    wait: (_quota: unknown, _who: Omit<Queued, 'since'>, granted: () => void) => {
      asked.push(granted)
      return { leave: () => void left++ }
    },
  }
  const looks: number[] = []
  const who = { session: 's', principal: 'p', group: 'a', pool: 'default' }
  return {
    slots,
    asked,
    looks,
    left: () => left,
    pass: (ms: number) => {
      now += ms
    },
    room: new CallRoom(
      { slots, quotas, clock: { now: () => now } },
      { who: () => who, granted: () => void looks.push(now) },
    ),
  }
}

test('its turn at the provider comes first, then a slot; the call says how long it waited', () => {
  const { room: place, asked, looks, pass, slots } = room()
  expect(place.take(true, lab)).toBeNull()
  expect([slots.taken, slots.waiting, asked.length]).toEqual([0, 0, 1])
  expect(place.take(true, lab)).toBeNull()
  expect(asked).toHaveLength(1)
  pass(4_000)
  asked[0]?.()
  expect(looks).toEqual([4_000])
  expect(place.take(true, lab)).toMatchObject({ throttled: { ms: 4_000, reason: 'the quota of lab is used up' } })
  expect(slots.taken).toBe(1)
  // The next call asks anew.
  expect(place.take(true, lab)).toBeNull()
  expect(asked).toHaveLength(2)
})

test('a turn is kept while there is no slot', () => {
  const { room: place, asked, slots } = room()
  using held = slots.take('p')
  place.take(true, lab)
  asked[0]?.()
  expect(place.take(true, lab)).toBeNull()
  expect([place.waits, slots.waiting]).toEqual([true, 1])
  held?.[Symbol.dispose]()
  expect(place.take(true, lab)).toBeNull()
  expect(asked).toHaveLength(1)
})

test('a short wait is no news', () => {
  const { room: place, asked, pass } = room()
  place.take(true, lab)
  pass(20)
  asked[0]?.()
  expect(place.take(true, lab)).toEqual({ slot: expect.anything() })
})

test('who does not wait for it leaves no place, and who leaves is looked for no more', () => {
  const { room: place, asked, looks, left } = room()
  expect(place.take(false, lab)).toBeNull()
  expect(asked).toEqual([])
  place.take(true, lab)
  place.leave()
  expect(left()).toBe(1)
  asked[0]?.()
  expect(looks).toEqual([])
})

test('who asks another provider leaves the line of the first', () => {
  const { room: place, asked, left } = room()
  place.take(true, lab)
  place.take(true, { ...lab, bucket: 'other' })
  expect([asked.length, left()]).toEqual([2, 1])
})

test('a call that asks nobody outside needs a slot alone', () => {
  const { room: place, asked } = room()
  expect(place.take(true, undefined)).not.toBeNull()
  expect(asked).toEqual([])
})
