// What stands in the documents can be read in a diff: no line of prose is wider than 120 characters.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { tooWide } from './prose.ts'

const root = path.join(import.meta.dirname, '..')
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

/** All Markdown of the repository, but what was installed or is kept in hidden folders. */
function documentsIn(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(folder, entry.name)
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return []
    if (entry.isDirectory()) return documentsIn(file)
    return file.endsWith('.md') ? [file] : []
  })
}

test.each(documentsIn('.'))('%s has no line of prose above 120 characters', (document) => {
  const lines = tooWide(readFileSync(path.join(root, document), 'utf8'))
  expect(lines.map((line) => `${document}:${line}`)).toEqual([])
})
