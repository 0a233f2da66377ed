import { expect, test } from 'vitest'
import { codeOf, type NamedCode } from './agent-files.ts'

const context = {
  bundleSkills: async (folder: string) =>
    folder.includes('bad')
      ? ({ kind: 'failed', problems: [`${folder}/x/SKILL.md needs a "name"`] } as const)
      : ({ kind: 'bundled', text: `skills of ${folder}`, skills: [] } as const),
  bundle: async (file: string) =>
    file.includes('bad')
      ? ({ kind: 'failed', problems: [`${file}:1:2: wrong`] } as const)
      : ({ kind: 'bundled', text: `bundle of ${file}` } as const),
}
const ask = (fields: NamedCode['fields'], folder?: string, byFlag = false) =>
  codeOf(context, { fields, folder, byFlag })

test('paths of a file are relative to it, those of a flag to the current folder', async () => {
  const fields = { tools_file: './a.ts', tools: ['shell', { file: '../b.ts' }, { file: '/abs/c.ts' }] }
  expect(await ask(fields, 'agents/x')).toEqual([
    { file: './a.ts', text: 'bundle of agents/x/a.ts' },
    { file: '../b.ts', text: 'bundle of agents/b.ts' },
    { file: '/abs/c.ts', text: 'bundle of /abs/c.ts' },
  ])
  expect((await ask(fields, 'agents/x', true))[0]).toEqual({ file: './a.ts', text: 'bundle of ./a.ts' })
  expect((await ask(fields))[0]).toEqual({ file: './a.ts', text: 'bundle of a.ts' })
})

test('a file that is named twice is read once; one with a digest is not read', async () => {
  const stored = { file: './old.ts', digest: `sha256-${'0'.repeat(64)}` }
  expect(await ask({ tools_file: ['./a.ts', stored], tools: [{ file: './a.ts' }] }, '.')).toHaveLength(1)
})

test('one path for two files is refused', async () => {
  const both = ask({ tools_file: './a.ts', tools: [{ file: './a.ts' }] }, 'agents', true)
  await expect(both).rejects.toThrow('Two files are both named ./a.ts: ./a.ts, and agents/a.ts')
})

test('all files that are wrong are told at once', async () => {
  await expect(ask({ tools_file: './bad.ts', tools: [{ file: './bad2.ts' }, { file: './a.ts' }] })).rejects.toThrow(
    "The agent's code cannot be bundled, so nothing was sent:\n  bad.ts:1:2: wrong\n  bad2.ts:1:2: wrong",
  )
})

test('what is no path is the server’s to refuse', async () => {
  expect(await ask({ tools_file: 3, tools: [{ file: '' }, 'shell'] })).toEqual([])
})

test('a folder of skills is sent under the path that the definition has; by a flag, from the current folder', async () => {
  expect(await ask({ skills_dir: './skills' }, 'agents')).toEqual([
    { file: './skills', text: 'skills of agents/skills' },
  ])
  const byFlag = { fields: { skills_dir: './skills' }, folder: 'agents', byFlag: false, skillsByFlag: true }
  expect(await codeOf(context, byFlag)).toEqual([{ file: './skills', text: 'skills of ./skills' }])
  expect(await ask({ skills_dir: { dir: './skills', digest: `sha256-${'0'.repeat(64)}` } })).toEqual([])
  expect(await ask({ skills_dir: 3 })).toEqual([])
  await expect(ask({ skills_dir: 'bad' })).rejects.toThrow(
    'The agent\'s skills cannot be bundled, so nothing was sent:\n  bad/x/SKILL.md needs a "name"',
  )
})
