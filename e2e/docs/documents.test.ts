// The documents are in step with the schemas, and what they show works. Written anew by: vitest run e2e/docs -u
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseDefinition, problemsText } from '@reins/registry'
import { expect, test } from 'vitest'
import { agentDocument, eventsDocument } from './documents.ts'
import { metricsDocument } from './metrics-document.ts'

const root = path.join(import.meta.dirname, '..', '..')

test('docs/agents.md is in step with the schema of definitions', async () => {
  await expect(agentDocument()).toMatchFileSnapshot('../../docs/agents.md')
})

test('docs/events.md is in step with the schemas of events', async () => {
  await expect(eventsDocument()).toMatchFileSnapshot('../../docs/events.md')
})

test('docs/metrics.md is in step with the metrics of the code', async () => {
  await expect(metricsDocument()).toMatchFileSnapshot('../../docs/metrics.md')
})

test.each(readdirSync(path.join(root, 'examples')).filter((file) => file.endsWith('.yaml')))(
  'the example %s is a valid agent',
  (file) => {
    const parsed = parseDefinition({ yaml: readFileSync(path.join(root, 'examples', file), 'utf8') })
    expect(parsed.kind === 'invalid' ? problemsText(parsed.problems) : 'valid').toBe('valid')
  },
)

test('the YAML of the README is a valid agent', () => {
  const yaml = /```yaml\n([\s\S]*?)```/.exec(readFileSync(path.join(root, 'README.md'), 'utf8'))?.[1] ?? ''
  const parsed = parseDefinition({ yaml })
  expect(parsed.kind === 'invalid' ? problemsText(parsed.problems) : 'valid').toBe('valid')
})

test('every link of the documents that stays here leads somewhere', () => {
  const documents = [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    ...readdirSync(path.join(root, 'docs'))
      .filter((file) => file.endsWith('.md'))
      .map((file) => `docs/${file}`),
  ]
  const broken = documents.flatMap((document) => {
    const text = readFileSync(path.join(root, document), 'utf8')
    const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1] ?? '')
    return targets
      .filter((target) => !exists(path.join(root, path.dirname(document), target)))
      .map((target) => `${document}: ${target}`)
  })
  expect(broken).toEqual([])
})

function exists(file: string): boolean {
  try {
    return readdirSync(path.dirname(file)).includes(path.basename(file))
  } catch {
    return false
  }
}
