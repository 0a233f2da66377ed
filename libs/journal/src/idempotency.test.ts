import { describe, expect, test } from 'vitest'
import { decodeEntry, encodeEntry, type IdempotencyEntry } from './idempotency.ts'

const entry: IdempotencyEntry = { body: 'b', session: 's', frame: 'f', subject: 'm', prev: 7 }

describe('a kept request', () => {
  test('is read as it was noted, without an outcome and with one', () => {
    const settled: IdempotencyEntry = { ...entry, outcome: { kind: 'accepted', receipt: { messageId: 'm' } } }
    expect(decodeEntry(encodeEntry(entry))).toEqual(entry)
    expect(decodeEntry(encodeEntry(settled))).toEqual(settled)
  })

  test.each([
    [201, { session: {}, messageId: 'm', cursor: 'c' }, 'started'],
    [200, { session: {}, messageId: 'm', cursor: 'c' }, 'accepted'],
    [200, { session: {}, cursor: 'c' }, 'unchanged'],
    [202, { messageId: 'm', cursor: 'c' }, 'accepted'],
    [202, { id: 's', status: 'paused', cursor: 'c' }, 'accepted'],
    [200, { id: 's', status: 'paused', cursor: 'c' }, 'unchanged'],
  ])('of the first form, with an HTTP answer of %i %j, is one that was %s', (status, body, kind) => {
    expect(decodeEntry(JSON.stringify({ ...entry, answer: { status, body } }))).toEqual({
      ...entry,
      outcome: { kind, receipt: body },
    })
  })

  test('of the first form without an answer is one whose outcome the log tells', () => {
    expect(decodeEntry(JSON.stringify(entry))).toEqual(entry)
  })

  test('with an outcome that is not understood is one whose outcome the log tells', () => {
    for (const outcome of [{ kind: 'forked', receipt: {} }, 'accepted', null])
      expect(decodeEntry(JSON.stringify({ v: 2, ...entry, outcome }))).toEqual(entry)
  })

  test('of a newer form, or of none, is unreadable', () => {
    for (const text of [
      JSON.stringify({ v: 3, ...entry }),
      JSON.stringify({ v: 2, key: 'k' }),
      '[]',
      '"x"',
      'no JSON',
      '',
    ])
      expect(decodeEntry(text)).toBeUndefined()
  })
})
