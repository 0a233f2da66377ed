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

test('each decision has a number of its own, which its file and its title say', () => {
  const folder = path.join(root, 'docs/decisions')
  const files = readdirSync(folder).filter((file) => file !== 'README.md')
  expect(files.map((file) => file.slice(0, 3)).sort()).toEqual(files.map((_, at) => String(at + 1).padStart(3, '0')))
  for (const file of files)
    expect(readFileSync(path.join(folder, file), 'utf8')).toMatch(new RegExp(`^# ${file.slice(0, 3)}: \\S`))
})

test('each row of what people can try names tests, and each of them is there and tries something', () => {
  const text = readFileSync(path.join(root, 'docs/security.md'), 'utf8')
  const section = /## Who can try what\n([\s\S]*?)\n## /.exec(text)?.[1] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| who'))
  expect(rows.length).toBeGreaterThan(15)
  const wrong = rows.flatMap((row) => {
    const files = [...(row.split(' | ').at(-1) ?? '').matchAll(/`([^`]+\.ts)`/g)].map(([, file = '']) => file)
    return files.length === 0 ? [row] : files.filter((file) => !exists(path.join(root, file)))
  })
  expect(wrong).toEqual([])
  // Every other file that the page names is there, too.
  const named = [...text.matchAll(/`((?:e2e|libs|services|deploy)\/[^`\s]+)`/g)].map(([, file = '']) => file)
  expect(named.filter((file) => !exists(path.join(root, file)))).toEqual([])
  // Each file of attacks is in a folder that says who attacks.
  const attacks = readdirSync(path.join(root, 'e2e/attacks'), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.includes('/') && name.endsWith('.ts') && !name.endsWith('.test.ts'),
  )
  expect(attacks.length).toBeGreaterThan(20)
  expect(attacks.filter((name) => !section.includes(`e2e/attacks/${name}`))).toEqual([])
})

function exists(file: string): boolean {
  try {
    return readdirSync(path.dirname(file)).includes(path.basename(file))
  } catch {
    return false
  }
}
