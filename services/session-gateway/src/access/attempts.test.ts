// Who may try again, and when.
import { expect, test } from 'vitest'
import { Attempts, addressName } from './attempts.ts'

test('who has failed too often waits, and is welcome again after the time that it was told', () => {
  const time = { now: 0 }
  const attempts = new Attempts({ perMinute: 3, now: () => time.now })
  for (let at = 0; at < 3; at++) {
    expect(attempts.waitOf('a')).toBe(0)
    attempts.count('a')
  }
  expect(attempts.waitOf('a')).toBe(20)
  expect(attempts.waitOf('b')).toBe(0)
  time.now += 20_000
  expect(attempts.waitOf('a')).toBe(0)
  attempts.count('a')
  expect(attempts.waitOf('a')).toBe(20)
})

test('0 is no limit', () => {
  const attempts = new Attempts({ perMinute: 0, now: () => 0 })
  for (let at = 0; at < 100; at++) attempts.count('a')
  expect(attempts.waitOf('a')).toBe(0)
})

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::7', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  [undefined, 'unknown'],
])('the address %s counts as %s', (address, name) => {
  expect(addressName(address)).toBe(name)
})
