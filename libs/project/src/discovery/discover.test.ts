import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { discover } from './discover.ts'

let root = ''
let made = 0
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'reins-discover-'))
})
afterAll(() => rmSync(root, { recursive: true }))

function folder(...files: readonly string[]): string {
  made += 1
  const here = path.join(root, `p${made}`)
  mkdirSync(here)
  for (const file of files) {
    mkdirSync(path.dirname(path.join(here, file)), { recursive: true })
    writeFileSync(path.join(here, file), '')
  }
  return here
}
async function found(...files: readonly string[]) {
  const discovery = await discover(folder(...files))
  if (discovery.kind === 'failed') throw new Error(discovery.problems.join('\n'))
  const { sourceRoot, agents, workflows, channels, app, notUsed } = discovery.project
  const names = (modules: readonly { readonly name: string }[]) => modules.map(({ name }) => name)
  return { sourceRoot, agents: names(agents), workflows: names(workflows), channels: names(channels), app, notUsed }
}
async function problems(...files: readonly string[]): Promise<string> {
  const discovery = await discover(folder(...files))
  return discovery.kind === 'failed' ? discovery.problems.join('\n').replaceAll(root, '') : 'none'
}

describe('the source root', () => {
  test.each([
    ['.flue', ['.flue/agents/a.ts', 'src/agents/b.ts', 'agents/c.ts'], ['a']],
    ['src', ['src/agents/b.ts', 'agents/c.ts'], ['b']],
    ['.', ['agents/c.ts', '.reins/agents/d.ts'], ['c']],
  ])('is %s when that is the first there is, and no layout is mixed in', async (sourceRoot, files, agents) => {
    expect(await found(...files)).toMatchObject({ sourceRoot, agents })
  })
})

describe('modules', () => {
  test('are files of code that lie flat in their folders, by their names without endings', async () => {
    const modules = ['ticket.ts', 'old.js', 'm.mts', 'n.mjs', 'deploy_pipeline.ts', 'v1.2.ts'].map(
      (one) => `src/agents/${one}`,
    )
    const support = ['src/agents/lib/x.ts', 'src/agents/types.d.ts', 'src/agents/ticket.test.ts', 'src/agents/notes.md']
    expect(
      await found(...modules, ...support, 'src/workflows/report.ts', 'src/channels/github.ts', 'src/app.ts'),
    ).toEqual({
      sourceRoot: 'src',
      agents: ['deploy_pipeline', 'm', 'n', 'old', 'ticket', 'v1.2'],
      workflows: ['report'],
      channels: ['github'],
      app: 'src/app.ts',
      notUsed: [],
    })
  })
  test('that another program would read are named as not used', async () => {
    const { notUsed } = await found('agents/a.ts', 'db.ts', 'cloudflare.mts')
    expect(notUsed.map(({ file }) => file)).toEqual(['db.ts', 'cloudflare.mts'])
  })
})

describe('what is wrong is said', () => {
  test.each([
    [
      'two files of one name',
      ['src/agents/x.ts', 'src/agents/x.js'],
      'Duplicate agent basename "x" found: src/agents/x.js, src/agents/x.ts. Keep only one agent source file per basename.',
    ],
    [
      'a name that no address can have',
      ['src/workflows/a:b.ts'],
      'src/workflows/a:b.ts: "a:b" is no name for a workflow',
    ],
    ['a name that is taken', ['src/agents/sessions.ts'], 'GET /agents/sessions lists sessions'],
    [
      'two apps',
      ['src/agents/a.ts', 'src/app.ts', 'src/app.js'],
      'Several files are named app: src/app.ts, src/app.js. Keep only one.',
    ],
    ['nothing at all', ['package.json'], 'has neither agents nor workflows: write an agent in agents/<name>.ts'],
    ['channels alone', ['src/channels/a.ts'], 'has only channels'],
  ])('of %s', async (_, files, message) => {
    expect(await problems(...files)).toContain(message)
  })
  test('all at once', async () => {
    expect((await problems('agents/-.ts', 'agents/_.ts', 'workflows/-.ts')).split('\n')).toHaveLength(3)
  })
})
