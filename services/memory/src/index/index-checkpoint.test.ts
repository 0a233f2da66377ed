import { expect, test } from 'vitest'
import { placesIn, sumOf, textOf } from './index-checkpoint.ts'

test('in one stream the sequence is the place', () => {
  expect(placesIn({ seq: 12, places: null }, 1)).toEqual([12])
  expect(textOf([12])).toBe('12')
})

test('in several streams each has a place of its own', () => {
  expect(placesIn({ seq: 24, places: '12.0.5.7' }, 4)).toEqual([12, 0, 5, 7])
  expect([textOf([12, 0, 5, 7]), sumOf([12, 0, 5, 7])]).toEqual(['12.0.5.7', 24])
})

test('what the one stream accounted for is accounted for in each of those that its sessions were moved to', () => {
  expect(placesIn({ seq: 12, places: null }, 4)).toEqual([12, 12, 12, 12])
})

test('places of another number of streams say nothing', () => {
  expect(placesIn({ seq: 24, places: '12.0.5.7' }, 1)).toBeUndefined()
  for (const places of ['NaN', '', '12.x.5.7', '12.0.5']) expect(placesIn({ seq: 24, places }, 4)).toBeUndefined()
})
