import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { bundleDigest } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleCode } from './bundle.ts'

let root = ''
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'reins-bundle-'))
})
afterAll(() => rmSync(root, { recursive: true }))

/** A folder with these files. */
function folder(name: string, files: Readonly<Record<string, string>>): string {
  const here = path.join(root, name)
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(here, file)), { recursive: true })
    writeFileSync(path.join(here, file), text)
  }
  return here
}

async function bundled(file: string): Promise<string> {
  const outcome = await bundleCode(file)
  if (outcome.kind === 'failed') throw new Error(outcome.problems.join('\n'))
  return outcome.text
}
async function problems(file: string): Promise<string> {
  const outcome = await bundleCode(file)
  return outcome.kind === 'failed' ? outcome.problems.join('\n').replaceAll(root, '') : 'none'
}

const tool = `import { defineTool, Type } from '@reins/agent'
import { twice } from './lib/twice.ts'
export const double = defineTool({
  description: 'Doubles a number.',
  parameters: Type.Object({ n: Type.Number() }),
  execute: ({ n }) => twice(n),
})
`
const twice = `export const twice = (n: number): number => {
  return 2 * n
}
`

describe('a file with its imports', () => {
  test('is one module that needs nothing beside it, also where @reins/agent is not installed', async () => {
    const text = await bundled(path.join(folder('plain', { 'tools.ts': tool, 'lib/twice.ts': twice }), 'tools.ts'))
    const out = path.join(folder('elsewhere', { 'out.mjs': text }), 'out.mjs')
    const { double } = await import(out)
    expect([double.description, double.parameters.type]).toEqual(['Doubles a number.', 'object'])
    expect(text.match(/^import .*$/gm) ?? []).toEqual([])
  })
  test('has the skills of a folder that it names, in the order of their names', async () => {
    const skill = (name: string) => `---\nname: ${name}\ndescription: Does ${name}.\n---\nDo ${name}.\n`
    const here = folder('skilled', {
      'tools.ts': `import { SkillCatalog } from '@reins/agent'
        // As in SkillCatalog.fromDirectory('./elsewhere'), which is no call.
        export const catalog = SkillCatalog.fromDirectory('./skills')
        export const both = [...SkillCatalog.fromDirectory("skills"), 1]`,
      'skills/write/SKILL.md': skill('write'),
      'skills/read/SKILL.md': skill('read'),
      'skills/notes/about.txt': 'no skill',
      'none.ts': `import { SkillCatalog } from '@reins/agent'\nexport const x = SkillCatalog.fromDirectory('./nowhere')`,
    })
    const out = path.join(folder('skilled-out', { 'out.mjs': await bundled(path.join(here, 'tools.ts')) }), 'out.mjs')
    const { catalog, both } = await import(out)
    expect(catalog.map(({ name }: { name: string }) => name)).toEqual(['read', 'write'])
    expect(both).toHaveLength(3)
    expect(await problems(path.join(here, 'none.ts'))).toContain(
      "SkillCatalog.fromDirectory('./nowhere'): there is no such folder beside the module",
    )
  })
  test('has the same bytes in every folder, and names no path of this machine', async () => {
    const files = { 'tools.ts': tool, 'lib/twice.ts': twice }
    const [one, other] = [folder('one', files), folder('deep/er/other', files)]
    const text = await bundled(path.join(one, 'tools.ts'))
    expect(bundleDigest(Buffer.from(await bundled(path.join(other, 'tools.ts'))))).toBe(bundleDigest(Buffer.from(text)))
    const map = Buffer.from(text.slice(text.lastIndexOf('base64,') + 7), 'base64').toString()
    expect(JSON.parse(map)).toMatchObject({ sources: ['lib/twice.ts', 'tools.ts'] })
    for (const place of [root, process.cwd()]) expect(text + map).not.toContain(place)
  })
  test('may import TypeBox without having it, packages in CommonJS, and modules of Node', async () => {
    const here = folder('packages', {
      'node_modules/old/package.json': '{"name": "old", "main": "index.js"}',
      'node_modules/old/index.js':
        'let extra = "none"\ntry { extra = require("./not-there.js") } catch {}\nmodule.exports = { sep: require("node:path").sep, dir: __dirname, extra }\n',
      'tools.ts':
        "import { Type } from 'typebox'\nimport { readFileSync } from 'node:fs'\nimport old from 'old'\nexport const all = [Type.String().type, typeof readFileSync, old]\n",
    })
    const out = path.join(folder('ran', { 'out.mjs': await bundled(path.join(here, 'tools.ts')) }), 'out.mjs')
    expect((await import(out)).all).toEqual(['string', 'function', { sep: '/', dir: '/bundle', extra: 'none' }])
  })
})

describe('what cannot be bundled is said with file and line', () => {
  test('a mistake in the file, and in one that it imports', async () => {
    const here = folder('wrong', {
      'tools.ts': 'export const a = (1;\n',
      'more.ts': "import './lib/b.ts'\nimport './nowhere.ts'\n",
      'lib/b.ts': '\n  const b: = 3\n',
    })
    expect(await problems(path.join(here, 'tools.ts'))).toBe(
      '/wrong/tools.ts:1:20: Expected ")" but found ";"\n    export const a = (1;',
    )
    expect(await problems(path.join(here, 'more.ts'))).toMatch(
      /^\/wrong\/(more\.ts:2:8: Could not resolve ".\/nowhere\.ts"|lib\/b\.ts:2:12: )/,
    )
  })
  test.each([
    ['a package that is not installed', "import 'left-pad'", 'Could not resolve "left-pad"'],
    ['a native add-on', "import './a.node'", './a.node is a native add-on, which cannot be bundled'],
    [
      'an address',
      "import 'https://example.com/x.js'\n",
      'imports https://example.com/x.js, which is not on this machine',
    ],
    ["a part of Reins that is not the files'", "import '@reins/contracts'", 'import @reins/agent'],
    ['too much', `export const a = '${'x'.repeat(4_200_000)}'`, 'at most 4194304 are allowed. Most come from tools.ts'],
  ])('%s', async (_what, text, says) => {
    expect(await problems(path.join(folder('bad', { 'tools.ts': text }), 'tools.ts'))).toContain(says)
  })
  test('a file that is not there, a folder, and another language', async () => {
    const here = folder('odd', { 'tools.py': 'def add(): pass', 'tools.txt': '', 'dir.ts/x': '' })
    expect(await problems(path.join(here, 'none.ts'))).toBe('/odd/none.ts: there is no such file')
    expect(await problems(path.join(here, 'dir.ts'))).toBe('/odd/dir.ts: is a folder; name a file')
    expect(await problems(path.join(here, 'tools.py'))).toMatch(/is a Python file.*export const add = defineTool/s)
    expect(await problems(path.join(here, 'tools.txt'))).toContain('its name must end in .ts')
  })
})
