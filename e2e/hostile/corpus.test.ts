// The corpus finds what it is there to find: answers that give something away, crashes, and what does not end.
import { expect, test } from 'vitest'
import { canary, judged, kindOf, tryAll } from './corpus.ts'
import { failures, tally } from './tally.ts'

test.each([
  ['an answer of another form', 'ok: done', 'not /^error/'],
  ['what must not be read', `error: ${canary}`, 'it gave away'],
  ['a place in the code', 'error: x\n    at run (/srv/reins/libs/tools/src/run.ts:12:3)', 'a place in the code'],
  ['an answer without end', `error: ${'x'.repeat(400_000)}`, 'an answer of 400007 characters'],
])('%s is wrong', (_, answer, why) => {
  expect(judged(answer, /^error/)).toMatchObject({ kind: 'wrong', why: expect.stringContaining(why) })
})

test('each case that crashed, did not end, or was answered wrongly is named, and counted', async () => {
  const kind = kindOf<() => Promise<string>>('sort', 'x', [
    ['well', async () => 'error: no', /^error/],
    ['wrong', async () => 'ok', /^error/],
    ['throws', () => Promise.reject(new TypeError('x is not a function')), /^error/],
    ['hangs', () => new Promise(() => {}), /^error/],
  ])
  const tried = await tryAll(kind, (run) => run(), { deadlineMs: 50 })
  expect([...failures(tried)].sort()).toEqual([
    'sort: hangs: it did not end',
    expect.stringContaining('sort: throws: crashed: TypeError: x is not a function'),
    'sort: wrong: wrong: not /^error/, but: ok',
  ])
  expect(tally(tried)).toContain('hostile: 4 tried, 1 answered, 2 crashed')
})

test('two cases of a kind have two names', () => {
  expect(() =>
    kindOf('sort', 'x', [
      ['a', 1, /./],
      ['a', 2, /./],
    ]),
  ).toThrow('two cases of "sort"')
})
