// Skills as a person or a program sees them in a terminal.
import { expect, test } from 'vitest'
import { clientProgram, runProgram } from '../src/program.ts'
import type { BundledSkills } from '../src/skills/skill-folder.ts'
import { fakeContext, fakeServer } from './fakes.ts'

const skills = [
  { name: 'notes', description: 'Takes notes.', allowed_tools: ['read_file', 'grep'] },
  { name: 'pdf', description: 'Fills forms.' },
]

async function reins(words: readonly string[], bundled?: BundledSkills) {
  const server = fakeServer()
  const assistant = server.agents.get('assistant')
  if (assistant)
    server.agents.set('skilled', {
      ...assistant,
      name: 'skilled',
      definition: { ...assistant.definition, skills_dir: { dir: './skills', digest: 'sha256-1', size: 9, skills } },
    })
  const fake = fakeContext(server.client)
  const context = bundled ? { ...fake, bundleSkills: async () => bundled } : fake
  const code = await runProgram(clientProgram(context), words, context)
  return { code, out: fake.stdout.text, err: fake.stderr.text }
}

test('the skills of an agent are listed with the tools that they allow', async () => {
  const { out, code } = await reins(['skill', 'list', 'skilled'])
  expect(out).toMatch(/SKILL +TOOLS +DESCRIPTION\nnotes +read_file, grep +Takes notes\.\npdf +all +Fills forms\./)
  expect(code).toBe(0)
  expect(JSON.parse((await reins(['skill', 'list', 'skilled', '--json'])).out)).toEqual({
    ...{ agent: 'skilled', dir: './skills', digest: 'sha256-1' },
    skills,
  })
})

test('an agent without skills says how it gets some', async () => {
  const { out, code } = await reins(['skill', 'list', 'assistant'])
  expect(out).toContain('skills_dir')
  expect(code).toBe(0)
  expect(JSON.parse((await reins(['skill', 'list', 'assistant', '--json'])).out).skills).toEqual([])
})

test('a folder of skills that can be used is said to be', async () => {
  const good: BundledSkills = { kind: 'bundled', text: 'x', skills }
  const { out, code } = await reins(['skill', 'validate', './skills'], good)
  expect(out).toContain('Fills forms.')
  expect(out).toContain('All 2 skills can be used')
  const one = await reins(['skill', 'validate', './skills'], { ...good, skills: skills.slice(0, 1) })
  expect(one.out).toContain('The skill can be used')
  expect(code).toBe(0)
  expect(JSON.parse((await reins(['skill', 'validate', './skills', '--json'], good)).out)).toMatchObject({
    valid: true,
  })
})

test('everything that is wrong is named, with exit code 1', async () => {
  const bad: BundledSkills = { kind: 'failed', problems: ['skills/a/SKILL.md needs a "name"', 'skills/b: is a link'] }
  const { out, code } = await reins(['skill', 'validate', './skills'], bad)
  expect(out).toContain('skills/a/SKILL.md needs a "name"\n')
  expect(out).toContain('skills/b: is a link')
  expect(code).toBe(1)
  const json = await reins(['skill', 'validate', './skills', '--json'], bad)
  expect(JSON.parse(json.out)).toEqual({ valid: false, problems: bad.problems })
  expect(json.code).toBe(1)
})
