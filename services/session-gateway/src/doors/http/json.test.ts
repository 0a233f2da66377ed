import { expect, test } from 'vitest'
import { parseJson } from './json.ts'

const nested = (levels: number, inside = ''): string => `${'['.repeat(levels)}${inside}${']'.repeat(levels)}`

test('what is nested without end is refused before anything walks it', () => {
  for (const text of [
    ...[nested(501, '1'.repeat(100)), nested(1_000_000), nested(1_000_000, '"\\ud800"')],
    ...[
      '['.repeat(2_000_000),
      `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`,
      `"${'x'.repeat(2000)}\\"" ${nested(600)}`,
    ],
  ])
    expect(() => parseJson(text, 'body')).toThrow(/^The body is (?:nested deeper than 500 levels|not JSON)/)
})

test('what only looks nested, or is so a little, is taken', () => {
  const text = '['.repeat(2000)
  expect(parseJson(JSON.stringify({ text, more: [`\\"${text}`] }), 'body')).toEqual({ text, more: [`\\"${text}`] })
  expect(parseJson(nested(500, `"${'x'.repeat(2000)}"`), 'body')).toBeDefined()
  expect(parseJson(`[${Array.from({ length: 2000 }, () => '[]').join(',')}]`, 'body')).toHaveLength(2000)
})
