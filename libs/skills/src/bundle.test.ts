import { describe, expect, test } from 'vitest'
import { readSkillBundle, type SkillFile, type SkillFolders, writeSkillBundle } from './bundle.ts'
import { pathFault } from './file-names.ts'

const file = (content: string | Uint8Array, executable = false): SkillFile => ({
  bytes: Buffer.from(content),
  executable,
})
const skillText = (name: string): string => `---\nname: ${name}\ndescription: Does ${name}.\n---\nSteps.\n`
const folders = (entries: Readonly<Record<string, Readonly<Record<string, SkillFile>>>>): SkillFolders =>
  new Map(Object.entries(entries).map(([name, files]) => [name, new Map(Object.entries(files))]))
const problems = (text: string): string => {
  const read = readSkillBundle(text)
  return read.kind === 'problems' ? read.problems.join('\n') : ''
}
const bundle = (skills: unknown): string => JSON.stringify({ format: 'reins-skills/1', skills })

describe('a bundle of skills', () => {
  const whole = folders({
    pdf: {
      'SKILL.md': file(skillText('pdf')),
      'scripts/fill.sh': file('echo', true),
      'logo.png': file(Buffer.from([255, 0])),
    },
    notes: { 'SKILL.md': file(skillText('notes')) },
  })

  test('is read back as it was written', () => {
    const read = readSkillBundle(writeSkillBundle(whole))
    if (read.kind === 'problems') throw new Error(read.problems.join())
    expect(read.skills.map(({ name }) => name)).toEqual(['notes', 'pdf'])
    const script = read.folders.get('pdf')?.get('scripts/fill.sh')
    expect([script?.executable, Buffer.from(script?.bytes ?? []).toString()]).toEqual([true, 'echo'])
    expect([...(read.folders.get('pdf')?.get('logo.png')?.bytes ?? [])]).toEqual([255, 0])
  })

  test('is the same bytes in whatever order the files were read', () => {
    const other = new Map([...whole].reverse().map(([name, files]) => [name, new Map([...files].reverse())]))
    expect(writeSkillBundle(other)).toBe(writeSkillBundle(whole))
  })

  test.each([
    '../pdf/SKILL.md',
    '/etc/passwd',
    'a//b',
    'a/./b',
    'a\\..\\b',
    'a\u0000b',
    '',
    'x'.repeat(201),
    '.env',
    'config/.env.production',
    'keys/deploy.pem',
    '.git/config',
    'ID_RSA',
    '.aws/credentials',
  ])('has no file of the name %j, whoever made it', (path) => {
    expect(pathFault(path)).toBeDefined()
    expect(problems(bundle({ pdf: { 'SKILL.md': { text: skillText('pdf') }, [path]: { text: 'x' } } }))).not.toBe('')
  })

  test.each(['references/forms.md', '.env.example', 'a..b', 'keys.md', 'environment.env'])(
    'may have a file of the name %j',
    (path) => {
      expect(pathFault(path)).toBeUndefined()
    },
  )

  test.each([
    'no json',
    '[]',
    '{}',
    '{"format":"reins-skills/2","skills":{}}',
    bundle({ pdf: 3 }),
    bundle({ pdf: { 'SKILL.md': 'text' } }),
    bundle({ pdf: { 'SKILL.md': { text: 'a', base64: 'a' } } }),
    bundle({ pdf: { 'SKILL.md': { text: 'a', executable: 1 } } }),
  ])('that is none is refused: %s', (text) => {
    expect(problems(text)).toContain('is no bundle of skills')
  })

  test('names every skill that is wrong', () => {
    const text = writeSkillBundle(
      folders({
        one: { 'SKILL.md': file(skillText('two')) },
        two: { 'SKILL.md': file(skillText('two')) },
        three: { 'skill.md': file(skillText('three')) },
        four: { 'README.md': file('x') },
        five: { 'SKILL.md': file(Buffer.from([0xff, 0xfe])) },
        __proto__x: { 'SKILL.md': file(skillText('x')) },
      }),
    )
    expect(problems(text).split('\n')).toEqual([
      '__proto__x/SKILL.md has the name "x", but its folder is "__proto__x": make them the same',
      'five/SKILL.md is no text in UTF-8',
      'four has no SKILL.md: each folder in a folder of skills is a skill',
      'one/SKILL.md has the name "two", but its folder is "one": make them the same',
      'three has a file skill.md: its name must be SKILL.md',
    ])
    expect(problems(bundle({}))).toContain('holds no skills')
  })
})
