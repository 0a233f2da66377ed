import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildProject } from './build-project.ts'

let root = ''
let made = 0
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'reins-project-'))
})
afterAll(() => rmSync(root, { recursive: true }))

type Files = Readonly<Record<string, string>>

function folder(files: Files): string {
  made += 1
  const here = path.join(root, `p${made}`)
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(here, file)), { recursive: true })
    writeFileSync(path.join(here, file), text)
  }
  return here
}

async function built(files: Files) {
  const outcome = await buildProject(folder(files))
  if (outcome.kind === 'failed') throw new Error(outcome.problems.join('\n'))
  return outcome
}

/** The project that a bundle is, as a host takes it. */
async function loaded(files: Files) {
  const { text } = await built(files)
  made += 1
  const out = path.join(root, `out${made}.mjs`)
  writeFileSync(out, text)
  const { default: project } = await import(out)
  return project[Symbol.for('reins.project')]
}

async function problems(files: Files): Promise<readonly string[]> {
  const described = (await loaded(files)).describe()
  return described.kind === 'problems'
    ? described.problems.map(({ module, message }: { module: string; message: string }) => `${module}: ${message}`)
    : []
}

/** As createAgent makes one. */
const created = (model: string) =>
  `Object.freeze({ [Symbol.for('reins.agent')]: { version: 1 }, initialize: () => ({ model: '${model}' }) })`
const agent = `export default ${created('a/b')}\n`
const workflow = 'export async function run(ctx: unknown) { return ctx }\n'
const review = '---\nname: review\ndescription: Reviews code.\n---\nLook at it.\n'

describe('a project', () => {
  test('is one module with a manifest of all that was discovered', async () => {
    const form = await loaded({
      'src/agents/ticket.ts': `export const description = 'Works on tickets.'\nexport const route = async (_: unknown, next: () => unknown) => next()\n${agent}`,
      'src/workflows/report.ts': workflow,
      'src/channels/github.ts':
        "export const channel = { routes: [{ method: 'POST', path: '/events', handler() {} }] }",
      'src/app.ts': 'export default { fetch: () => new Response() }',
    })
    expect(form.describe()).toEqual({
      kind: 'manifest',
      manifest: {
        agents: [
          {
            name: 'ticket',
            description: 'Works on tickets.',
            route: true,
            websocket: false,
            file: 'src/agents/ticket.ts',
          },
        ],
        workflows: [{ name: 'report', route: false, websocket: false, file: 'src/workflows/report.ts' }],
        channels: [{ name: 'github', routes: [{ method: 'POST', path: '/events' }], file: 'src/channels/github.ts' }],
        app: true,
      },
    })
  })
  test('has the same digest wherever it lies', async () => {
    const files = { 'agents/a.ts': agent, 'db.ts': 'throw new Error()' }
    expect((await built(files)).digest).toBe((await built(files)).digest)
  })
  test('has skills and Markdown in it, with attributes and without', async () => {
    const form = await loaded({
      'agents/a.ts': `
        import review from '../skills/review/SKILL.md' with { type: 'skill' }
        import plain from '../skills/review/SKILL.md'
        import notes from '../notes.md' with { type: 'markdown' }
        import text from '../notes.md'
        export const seen = { review, plain, notes, text }
        ${agent}`,
      'skills/review/SKILL.md': review,
      'skills/review/list.txt': 'one',
      'notes.md': '# Notes',
    })
    const { seen } = form.modules.agents.a.module
    expect(seen.review).toMatchObject({ name: 'review', description: 'Reviews code.' })
    expect(seen.review[Symbol.for('reins.skill')]).toEqual({
      version: 1,
      files: { 'SKILL.md': { text: review }, 'list.txt': { text: 'one' } },
    })
    expect([seen.plain.name, seen.notes, seen.text]).toEqual(['review', '# Notes', '# Notes'])
  })
  test('names the author’s line in its source map', async () => {
    const { text } = await built({ 'src/agents/a.ts': agent, 'src/workflows/w.ts': workflow })
    const map = JSON.parse(Buffer.from(text.slice(text.lastIndexOf('base64,') + 7), 'base64').toString())
    expect(map.sources).toEqual(['src/agents/a.ts', 'src/workflows/w.ts'])
  })
  test('that cannot be bundled says file and line', async () => {
    const outcome = await buildProject(folder({ 'src/agents/a.ts': 'export default {\n  oops oops\n}' }))
    expect(outcome).toMatchObject({ kind: 'failed', project: { sourceRoot: 'src' } })
    expect(outcome.kind === 'failed' && outcome.problems[0]).toContain('src/agents/a.ts:2:8: Expected "}"')
  })
  test('with a skill that is none says what is wrong with it', async () => {
    const files = {
      'agents/a.ts': `import x from '../s/SKILL.md'\nexport { x }\n${agent}`,
      's/SKILL.md': 'no front matter',
    }
    const outcome = await buildProject(folder(files))
    expect(outcome.kind === 'failed' && outcome.problems[0]).toContain('s/SKILL.md must begin with a line "---"')
  })
})

describe('the modules of a project are refused', () => {
  const file = 'agents/a.ts'
  test.each<[string, Files, string]>([
    [
      'an agent without a default',
      { [file]: 'export const x = 1' },
      'Agent "a" must default-export createAgent(...). Write',
    ],
    ['a plain object', { [file]: "export default { model: 'a/b' }" }, 'It exports a plain object'],
    [
      'an agent by name only',
      { [file]: `export const ticket = ${created('a/b')}` },
      'It exports one as "ticket": write "export default ticket".',
    ],
    ['a workflow among agents', { [file]: workflow }, 'move the file to the folder workflows'],
    [
      'a workflow that cannot run',
      { 'workflows/w.ts': 'export const run = 1' },
      'workflows/w.ts: Workflow "w" must export a callable run value.',
    ],
    ['an agent among workflows', { 'workflows/w.ts': agent }, 'move the file to the folder agents'],
    [
      'a route that is no function',
      { [file]: `export const route = true\n${agent}` },
      'Agent "a" route export must be a callable Hono middleware value.',
    ],
    [
      'a websocket that is no function',
      { [file]: `export const websocket = {}\n${agent}` },
      'Agent "a" websocket export must be',
    ],
    [
      'an empty description',
      { [file]: `export const description = ' '\n${agent}` },
      'description export must be a text',
    ],
    [
      'one agent under two names',
      { [file]: agent, 'agents/b.ts': "export { default } from './a.ts'" },
      'Agents "a" and "b" default-export the same created agent value.',
    ],
    [
      'an app without fetch',
      { [file]: agent, 'app.ts': 'export default 1' },
      'app.ts: app must default-export an object with fetch',
    ],
    [
      'a channel of another form',
      { [file]: agent, 'channels/c.ts': 'export const routes = []' },
      'Channel "c" must export an object named channel',
    ],
  ])('%s', async (_, files, message) => {
    expect((await problems(files)).join('\n')).toContain(message)
  })
  test('routes of a channel, each by what is wrong', async () => {
    const routes = [
      "{ method: 'post', path: '/x', handler() {} }",
      "{ method: 'GET', path: '/a/../b' }",
      "{ method: 'GET', path: '/y?', handler() {} }",
    ]
    const text = (
      await problems({ [file]: agent, 'channels/c.ts': `export const channel = { routes: [${routes}] }` })
    ).join('\n')
    for (const part of [
      'no method in capital letters',
      'a segment . or ..',
      'must have a callable handler',
      'has a ? or a #',
    ])
      expect(text).toContain(part)
  })
})
