import { expect, test } from 'vitest'
import { HeldRequests } from './held-requests.ts'

const request = (body: string) => ({ method: 'POST', url: 'http://h/workflows/w', headers: { 'x-a': 'b' }, body })

test('a request is given as often as it is asked for, and after its time it is gone', () => {
  let now = 0
  const held = new HeldRequests({ now: () => now, forMs: 100 })
  held.hold('a', request('1'))
  now = 100
  expect(held.of('a')).toEqual({ kind: 'held', request: request('1') })
  expect(held.of('a')).toEqual({ kind: 'held', request: request('1') })
  expect(held.of('b')).toEqual({ kind: 'gone' })
  now = 101
  expect(held.of('a')).toEqual({ kind: 'gone' })
})

test('the oldest go first where there is no room for all, and one that is held again counts once', () => {
  const held = new HeldRequests({ now: () => 0, mostBytes: 2_500 })
  for (const session of ['a', 'b', 'b', 'c']) held.hold(session, request('x'.repeat(1_000)))
  expect(['a', 'b', 'c'].map((session) => held.of(session).kind)).toEqual(['gone', 'held', 'held'])
})

test('one that does not go over the broker in one message is not taken', () => {
  const held = new HeldRequests({ now: () => 0 })
  expect(held.takes(request('x'.repeat(890_000)))).toBe(true)
  expect(held.takes(request('"'.repeat(500_000)))).toBe(false)
})
