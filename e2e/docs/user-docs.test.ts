// What the documents for users tell to write and to type: definitions are taken, JSON is JSON, and commands are commands with such options.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseDefinition, problemsText } from '@reins/registry'
import { describe, expect, test } from 'vitest'
import { unknownIn } from './commands-in.ts'

const docs = path.join(import.meta.dirname, '..', '..', 'docs')
const read = (name: string): string => readFileSync(path.join(docs, name), 'utf8')

/** The code blocks of a document in one language, without the indent of a list that they stand in. */
const blocksOf = (name: string, language: string): readonly string[] =>
  [...read(name).matchAll(/^( *)```(\w+)\n([\s\S]*?)^ *```$/gm)].flatMap(([, indent = '', found, text = '']) =>
    found === language ? [text.replaceAll(new RegExp(`^${indent}`, 'gm'), '')] : [],
  )

const documents = [
  ...['agents.md', 'approvals.md', 'delegation.md', 'mcp.md', 'memory.md', 'planning.md', 'secrets.md', 'tools.md'],
  'structured-results.md',
  'serving.md',
  'webhooks.md',
  'skills.md',
  'budgets.md',
  'workflows.md',
]
const agent = { name: 'careful', model: 'scripted/assistant', system_prompt: 'You help.' }

/** A part of a definition stands beside the fields that each one needs. */
function whole(yaml: string): string {
  const missing = Object.entries(agent).filter(([field]) => !new RegExp(`^${field}:`, 'm').test(yaml))
  return missing.map(([field, value]) => `${field}: ${value}\n`).join('') + yaml
}

describe.each(documents)('docs/%s', (name) => {
  test('shows definitions that are taken', () => {
    for (const yaml of blocksOf(name, 'yaml')) {
      const parsed = parseDefinition({ yaml: whole(yaml) })
      expect(parsed.kind === 'invalid' ? `${yaml}\n${problemsText(parsed.problems)}` : parsed.kind).toBe('valid')
    }
  })

  test('shows JSON that can be read', () => {
    for (const json of blocksOf(name, 'json')) expect(() => JSON.parse(json), json).not.toThrow()
  })

  test('shows commands that there are, with options that they have', () => {
    for (const line of blocksOf(name, 'sh').flatMap((block) => block.split('\n')))
      if (/^(npx )?reins /.test(line)) expect(unknownIn(line), line).toEqual([])
  })
})
