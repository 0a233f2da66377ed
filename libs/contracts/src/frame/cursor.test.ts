import { expect, test } from 'vitest'
import { type Cursor, decodeCursor, encodeCursor, maxCursorChars, maxPlaces, startCursor } from './cursor.ts'

const of = '01HZZZZZZZZZZZZZZZZZZZZZZZ'
const child = `${of}-0123456789abcdef`
const within = { call: 'c2', attempt: 1, block: 0, offset: 17 }
const text = (parts: unknown): string => Buffer.from(JSON.stringify(parts)).toString('base64url')

test.each<[string, Cursor]>([
  ['before the first event', startCursor(of)],
  ['of a tree', startCursor(of, true)],
  ['after an event', { of, tree: false, seq: 12, n: 3, i: 1 }],
  ['inside an answer', { of, tree: false, seq: 12, n: 3, i: 1, within }],
  ['in a session of a tree', { of, tree: true, seq: 12, n: 3, i: 1, session: child }],
  [
    'inside answers of a tree',
    {
      ...{ of, tree: true, seq: 12, n: 3, i: 1 },
      places: [
        { session: of, ...within },
        { session: child, ...within, offset: 3 },
      ],
    },
  ],
])('a cursor %s comes back as it was given out', (_, cursor) => {
  expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor)
})

test.each([
  ['nothing', ''],
  ['too long', 'A'.repeat(maxCursorChars + 1)],
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
  ['of a tree with half a place', text([`${of}*`, 1, 1, 1, '', 'c2', 1])],
  ['of a tree with a place of a session that is no text', text([`${of}*`, 1, 1, 1, 1, 'c2', 1, 0, 0])],
  [
    'of a tree with more places than there may be',
    text([`${of}*`, 1, 1, 1, ...Array(41).fill(['', 'c', 1, 0, 0]).flat()]),
  ],
  ['with an offset below 0', text([of, 1, 1, 1, 'c2', 1, 0, -1])],
])('a text that is %s is no cursor', (_, given) => {
  expect(decodeCursor(given)).toBeUndefined()
})

test('an older cursor of a tree, which names an answer and not whose it is, stands before that answer', () => {
  expect(decodeCursor(text([`${of}*`, 12, 3, 1, 'c2', 1, 0, 17]))).toEqual({ of, tree: true, seq: 12, n: 3, i: 1 })
})

test('of more answers than one cursor holds the others are told again', () => {
  const places = Array.from({ length: 50 }, (_, at) => ({ session: child, ...within, call: `c${at}` }))
  const decoded = decodeCursor(encodeCursor({ of, tree: true, seq: 12, n: 3, i: 1, places }))
  expect(decoded?.places).toEqual(places.slice(0, maxPlaces))
})
