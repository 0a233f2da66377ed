// Each row of what the pages of Flue state is proved by tests that are there: a test that is renamed or removed is missed here.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { requirements } from './requirements.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const numbered = (letter: string, from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => `${letter}${from + at}`)

/** The texts that stand where titles of tests do. */
const titled =
  /\b(?:test|it)(?:\.\w+(?:\([^)]*\))*)*\(\s*(?:\[[\s\S]*?\]\s*,?\s*\)\(\s*)?(['"`])((?:(?!\1)[^\\]|\\.)*)\1/g
function titlesIn(file: string): readonly string[] {
  const text = readFileSync(path.join(root, file), 'utf8')
  const titles = [...text.matchAll(titled)].map(([, , title = '']) => title)
  // Of a table of cases the title stands behind it.
  const behind = [...text.matchAll(/^\s*\]\)\(\s*(['"`])((?:(?!\1)[^\\]|\\.)*)\1/gm)].map(([, , title = '']) => title)
  return [...titles, ...behind]
}

test('every row is in the table', () => {
  expect(Object.keys(requirements)).toEqual([...numbered('F', 51, 75), ...numbered('K', 1, 25)])
})

test.each(Object.entries(requirements))('%s: $says', (_, { tests }) => {
  expect(tests.length).toBeGreaterThan(0)
  for (const [file, title] of tests) {
    expect([file, existsSync(path.join(root, file))]).toEqual([file, true])
    expect([file, title, titlesIn(file).some((one) => one.includes(title))]).toEqual([file, title, true])
  }
})
