import { expect, test } from 'vitest'
import { type Cursor, decodeCursor, encodeCursor, startCursor } from './cursor.ts'

const of = '01HZZZZZZZZZZZZZZZZZZZZZZZ'
const within = { call: 'c2', attempt: 1, block: 0, offset: 17 }
const text = (parts: unknown): string => Buffer.from(JSON.stringify(parts)).toString('base64url')

test.each<[string, Cursor]>([
  ['before the first event', startCursor(of)],
  ['of a tree', startCursor(of, true)],
  ['after an event', { of, tree: false, seq: 12, n: 3, i: 1 }],
  ['inside an answer', { of, tree: true, seq: 12, n: 3, i: 1, within }],
])('a cursor %s comes back as it was given out', (_, cursor) => {
  expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor)
})

test.each([
  ['nothing', ''],
  ['too long', 'A'.repeat(513)],
  ['of other characters', 'a b'],
  ['no JSON', 'AAAA'],
  ['no list', text({ of })],
  ['of another length', text([of, 1, 1])],
  ['with a session that is no text', text([1, 1, 1, 1])],
  ['with a sequence below 0', text([of, -1, 1, 1])],
  ['with a fraction', text([of, 1, 1.5, 1])],
  ['with an event below -1', text([of, 1, 1, -2])],
  ['with an attempt 0', text([of, 1, 1, 1, 'c2', 0, 0, 0])],
  ['with a call that is no text', text([of, 1, 1, 1, 2, 1, 0, 0])],
  ['with an offset below 0', text([of, 1, 1, 1, 'c2', 1, 0, -1])],
])('a text that is %s is no cursor', (_, given) => {
  expect(decodeCursor(given)).toBeUndefined()
})
