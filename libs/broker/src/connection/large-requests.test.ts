import { expect, test } from 'vitest'
import { LargeRequests, partBytes, partsOf } from './large-requests.ts'

/** Time that passes when the test says so. */
function hand() {
  let due: (() => void)[] = []
  return {
    later: (run: () => void) => {
      due.push(run)
      return () => {
        due = due.filter((one) => one !== run)
      }
    },
    pass: () => {
      for (const run of due.splice(0)) run()
    },
  }
}
const limits = { maxBytes: 100, maxHeldBytes: 150, idleMs: 1 }
const bytes = (text: string) => new TextEncoder().encode(text)

test('a request in parts is whole with its last one', () => {
  const requests = new LargeRequests(limits, hand().later)
  requests.begin('a', { verb: 'put', bytes: 6 })
  requests.begin('b', { verb: 'put', bytes: 3 })
  expect(requests.take('a', bytes('ab'))).toBe('more')
  expect(requests.take('b', bytes('xyz'))).toEqual({ verb: 'put', text: 'xyz' })
  expect(requests.take('a', bytes('cdef'))).toEqual({ verb: 'put', text: 'abcdef' })
  expect(() => requests.take('a', bytes('g'))).toThrow('forgotten the request')
})

test('a text is cut anywhere, also inside a character, and is whole again', () => {
  const text = `${'x'.repeat(partBytes - 1)}é${'y'.repeat(10)}`
  const requests = new LargeRequests({ ...limits, maxBytes: 1e7, maxHeldBytes: 1e7 }, hand().later)
  const parts = partsOf(text)
  expect(parts.map(({ length }) => length)).toEqual([partBytes, 11])
  requests.begin('a', { verb: 'put', bytes: partBytes + 11 })
  expect(parts.map((part) => requests.take('a', part)).at(-1)).toEqual({ verb: 'put', text })
})

test('what is too large, or more than was announced, is refused', () => {
  const requests = new LargeRequests(limits, hand().later)
  expect(() => requests.begin('a', { verb: 'put', bytes: 101 })).toThrow('at most 100 are allowed')
  requests.begin('b', { verb: 'put', bytes: 3 })
  expect(() => requests.take('b', bytes('1234'))).toThrow('more than the 3 bytes')
})

test('what is held is bounded, and what nobody goes on with is forgotten', () => {
  const time = hand()
  const requests = new LargeRequests(limits, time.later)
  requests.begin('a', { verb: 'put', bytes: 90 })
  expect(() => requests.begin('b', { verb: 'put', bytes: 90 })).toThrow('Too many large requests')
  expect(requests.take('a', bytes('1'))).toBe('more')
  time.pass()
  expect(() => requests.take('a', bytes('2'))).toThrow('forgotten the request')
  requests.begin('b', { verb: 'put', bytes: 90 })
})
