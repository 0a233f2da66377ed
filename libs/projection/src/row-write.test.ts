import { expect, test } from 'vitest'
import { jsonOf } from './row-write.ts'

test('rows go to Postgres as JSON', () => {
  expect(JSON.parse(jsonOf([{ id: 'a', text: 'with "quotes" and \\u0041', count: 2, none: null }]))).toEqual([
    { id: 'a', text: 'with "quotes" and \\u0041', count: 2, none: null },
  ])
})

test('what Postgres takes in no text is left out: NUL, and halves of a character', () => {
  expect(JSON.parse(jsonOf([{ id: 'a', text: 'x\0y \ud83d z' }]))).toEqual([{ id: 'a', text: 'xy \ufffd z' }])
  expect(JSON.parse(jsonOf([{ id: 'a', text: 'whole: \u{1F600}' }]))).toEqual([{ id: 'a', text: 'whole: \u{1F600}' }])
})
