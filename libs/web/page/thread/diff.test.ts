import { expect, test } from 'vitest'
import { diffLines } from './diff.ts'

const shown = (before: string, after: string) =>
  diffLines(before, after).map(({ kind, text }) => `${{ same: ' ', gone: '-', new: '+' }[kind]}${text}`)

test('an edit shows the lines that change, and some around them', () => {
  expect(shown('a\nb\nc\nd\ne\nf\ng\nh', 'a\nb\nc\nd\nE\nf\ng\nh')).toEqual([
    ...[' b', ' c', ' d', '-e', '+E', ' f', ' g', ' h'],
  ])
})

test('lines that stay between two changes are shown as such', () => {
  expect(shown('one\ntwo\nthree', 'ONE\ntwo\nTHREE')).toEqual(['-one', '+ONE', ' two', '-three', '+THREE'])
})

test('a new text is all new', () => {
  expect(shown('', 'a\nb')).toEqual(['+a', '+b'])
})
