import type { PoolEntry } from '@reins/contracts'
import { expect, test } from 'vitest'
import { floorOf, withFloors } from './pool-floors.ts'

const entry: PoolEntry = { key: 'p', kind: 'exec', labels: {}, floor: 7 }

test('the floor of the one stream stands where it has always stood', () => {
  expect(withFloors(entry, [['SES', 9]])).toEqual({ ...entry, floor: 9 })
})

test('each of several streams has a floor of its own', () => {
  const moved = withFloors({ ...entry, floor: 0 }, [
    ['SES-0', 3],
    ['SES-1', 0],
  ])
  expect(moved).toEqual({ ...entry, floor: 0, floors: { 'SES-0': 3 } })
  expect(moved && floorOf(moved, 'SES-0')).toBe(3)
  expect(moved && floorOf(moved, 'SES-1')).toBe(0)
})

test('sessions that were moved begin at the floor of the stream that they came from', () => {
  expect(floorOf(entry, 'SES-2')).toBe(7)
})

test('a floor never goes back, and what has not grown is not written', () => {
  expect(withFloors(entry, [['SES', 7]])).toBeUndefined()
  expect(withFloors(entry, [['SES-3', 6]])).toBeUndefined()
  expect(
    withFloors({ ...entry, floors: { 'SES-3': 12 } }, [
      ['SES-3', 11],
      ['SES-0', 8],
    ]),
  ).toEqual({ ...entry, floors: { 'SES-3': 12, 'SES-0': 8 } })
})
