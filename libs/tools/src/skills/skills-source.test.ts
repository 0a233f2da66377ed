import { type AgentDefinition, bundleDigest } from '@reins/contracts'
import { type SkillFolders, writeSkillBundle } from '@reins/skills'
import { describe, expect, test } from 'vitest'
import type { CallContext } from '../source.ts'
import { skillsSource } from './skills-source.ts'

const context = {} as CallContext

function world(files: Readonly<Record<string, string | Uint8Array>> = {}, keptBytes?: number) {
  const bundles = new Map<string, Uint8Array>()
  const asked: string[] = []
  const definitionOf = (more: Readonly<Record<string, string | Uint8Array>>): AgentDefinition => {
    const all = { 'SKILL.md': '---\nname: pdf\ndescription: d\n---\nFollow this.\n', ...more }
    const folders: SkillFolders = new Map([
      [
        'pdf',
        new Map(Object.entries(all).map(([name, bytes]) => [name, { bytes: Buffer.from(bytes), executable: false }])),
      ],
    ])
    const bytes = Buffer.from(writeSkillBundle(folders))
    const digest = bundleDigest(bytes)
    bundles.set(digest, bytes)
    const skills_dir = { dir: './s', digest, size: bytes.length, skills: [{ name: 'pdf', description: 'd' }] }
    return { name: 'a', model: 'x/y', system_prompt: 'z', skills_dir }
  }
  const source = skillsSource({
    bundles: {
      get: async (digest) => {
        asked.push(digest)
        return bundles.get(digest)
      },
    },
    ...(keptBytes === undefined ? {} : { keptBytes }),
  })
  const definition = definitionOf(files)
  const run = async (name: string, args: unknown, of = definition): Promise<Record<string, unknown>> =>
    JSON.parse((await source.run({ name, arguments: args, definition: of }, context)).output)
  return { source, definition, definitionOf, run, asked, bundles }
}

describe('the tools of skills', () => {
  test('are offered to an agent that has skills', () => {
    const { source, definition } = world()
    const names = (of: AgentDefinition) => {
      const listed = source.list(of, { signal: new AbortController().signal })
      return 'kind' in listed && listed.kind === 'listed' ? listed.tools.map(({ name }) => name) : []
    }
    expect(names(definition)).toEqual(['use_skill', 'read_skill_file'])
    const { skills_dir: _, ...without } = definition
    expect(names(without)).toEqual([])
    expect(names({ ...without, skills_dir: './s' })).toEqual([])
  })

  test('use_skill gives the instructions without the front matter, and names the other files', async () => {
    const { run } = world({ 'references/b.md': 'B', 'a.md': 'A' })
    expect(await run('use_skill', { name: 'pdf' })).toEqual({
      ...{ status: 'ok', skill: 'pdf', instructions: 'Follow this.' },
      files: ['a.md', 'references/b.md'],
    })
  })

  test('read_skill_file gives a file', async () => {
    const { run } = world({ 'references/b.md': 'B' })
    const expected = { status: 'ok', skill: 'pdf', path: 'references/b.md', content: 'B' }
    expect(await run('read_skill_file', { skill: 'pdf', path: 'references/b.md' })).toEqual(expected)
    expect(await run('read_skill_file', { skill: 'pdf', path: './references/b.md' })).toEqual(expected)
  })

  test.each(['../pdf/SKILL.md', '/etc/passwd', 'references/../../x', 'SKILL.MD', '__proto__', 'constructor'])(
    'read_skill_file finds nothing under %s',
    async (path) => {
      const { run } = world({ 'a.md': 'A' })
      await expect(run('read_skill_file', { skill: 'pdf', path })).rejects.toThrow('It has: SKILL.md, a.md')
    },
  )

  test('a skill that is not there is answered with those that are', async () => {
    const { run } = world()
    await expect(run('use_skill', { name: 'pfd' })).rejects.toThrow(
      'there is no skill "pfd"; did you mean "pdf"? Available: pdf',
    )
    await expect(run('use_skill', { name: '__proto__' })).rejects.toThrow('there is no skill')
    await expect(run('read_skill_file', { skill: 'x', path: 'a' })).rejects.toThrow('Available: pdf')
    await expect(run('use_skill', {})).rejects.toThrow('invalid arguments')
  })

  test('a file that is no text is not shown', async () => {
    const { run } = world({ 'logo.png': Buffer.from([0xff, 0x00]) })
    await expect(run('read_skill_file', { skill: 'pdf', path: 'logo.png' })).rejects.toThrow('a file of 2 bytes')
  })

  test('a bundle is fetched once, and again where others took its place', async () => {
    const { run, asked, definition, definitionOf } = world()
    await Promise.all([run('use_skill', { name: 'pdf' }), run('use_skill', { name: 'pdf' })])
    expect(asked).toHaveLength(1)
    const small = world({}, 1)
    await small.run('use_skill', { name: 'pdf' })
    await small.run('use_skill', { name: 'pdf' }, small.definitionOf({ 'a.md': 'A' }))
    await small.run('use_skill', { name: 'pdf' })
    expect(small.asked).toHaveLength(3)
    expect(definitionOf({}).skills_dir).toEqual(definition.skills_dir)
  })

  test('a bundle that is gone is asked for again by the next call', async () => {
    const { run, bundles, definition } = world()
    const [[digest, bytes] = ['', new Uint8Array()]] = [...bundles]
    bundles.clear()
    await expect(run('use_skill', { name: 'pdf' })).rejects.toThrow('are not kept any more')
    bundles.set(digest, bytes)
    expect(await run('use_skill', { name: 'pdf' }, definition)).toMatchObject({ status: 'ok' })
  })
})
