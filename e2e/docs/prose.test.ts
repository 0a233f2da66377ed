// What stands in the documents can be read in a diff: no line of prose is wider than 120 characters.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { tooWide } from './prose.ts'

const root = path.join(import.meta.dirname, '..', '..')
const long = 'word '.repeat(30).trim()

describe('a line of prose', () => {
  test('is too wide from 121 characters on', () => {
    expect(tooWide(`${'a b '.repeat(30).trim()}\n${long}\n`)).toEqual([2])
  })

  test('may be wide as a row of a table, in code, and where one link leaves no other way', () => {
    const link = `[text](https://example.org/${'x'.repeat(120)})`
    expect(tooWide(`| ${long} |\n\`\`\`sh\n${long}\n\`\`\`\n${link}\n`)).toEqual([])
    expect(tooWide(`\`\`\`\n\`\`\`\n- ${long}\n`)).toEqual([3])
  })
})

const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
const documents = listed.split('\n').filter((file) => file !== '' && !file.includes('/golden/'))

test.each(documents)('%s has no line of prose above 120 characters', (document) => {
  const lines = tooWide(readFileSync(path.join(root, document), 'utf8'))
  expect(lines.map((line) => `${document}:${line}`)).toEqual([])
})
