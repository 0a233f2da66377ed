import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { workspaceLimits } from '@reins/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { contextFiles } from './context-files.ts'
import { noGuard } from './guard.ts'

let root: string
let folder: string
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'reins-context-'))
  folder = path.join(root, 'work')
  mkdirSync(folder)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const write = (name: string, text: string | Uint8Array): void => {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
  writeFileSync(path.join(folder, name), text)
}
const skill = (name: string, more = ''): string =>
  `---\nname: ${name}\ndescription: Does ${name}.\n${more}---\nSteps.\n`

describe('what a workspace tells agents', () => {
  it('is nothing where there is nothing', () => {
    expect(contextFiles(folder, noGuard)).toEqual({ skills: [] })
    write('AGENTS.md', ' \n')
    expect(contextFiles(folder, noGuard)).toEqual({ skills: [] })
  })

  it('is AGENTS.md, and each skill with its instructions', () => {
    write('AGENTS.md', 'Use tabs.\n')
    write('.agents/skills/pdf/SKILL.md', skill('pdf', 'allowed-tools: Bash(git:*)\n'))
    write('.agents/skills/csv/SKILL.md', skill('csv'))
    write('.agents/skills/README.md', 'no skill')
    expect(contextFiles(folder, noGuard)).toEqual({
      instructions: 'Use tabs.\n',
      skills: [
        { name: 'csv', description: 'Does csv.', instructions: 'Steps.', folder: '.agents/skills/csv' },
        {
          ...{ name: 'pdf', description: 'Does pdf.', instructions: 'Steps.', folder: '.agents/skills/pdf' },
          allowedTools: ['shell(git:*)'],
        },
      ],
    })
  })

  it('is so many bytes at most, and no half of a character', () => {
    write('AGENTS.md', `x${'é'.repeat(workspaceLimits.instructions)}`)
    const { instructions = '', left } = contextFiles(folder, noGuard)
    expect(Buffer.byteLength(instructions)).toBeLessThanOrEqual(workspaceLimits.instructions)
    expect(instructions.endsWith('é')).toBe(true)
    expect(left).toBe(1 + 2 * workspaceLimits.instructions - Buffer.byteLength(instructions))
  })

  it('leaves out skills that are wrong or too many, and names them', () => {
    write('.agents/skills/pdf/SKILL.md', 'no front matter')
    write('.agents/skills/other/SKILL.md', skill('another'))
    write('.agents/skills/bytes/SKILL.md', new Uint8Array([0xff, 0xfe]))
    for (let at = 10; at < 16; at += 1)
      write(`.agents/skills/s${at}/SKILL.md`, `${skill(`s${at}`)}${'x'.repeat(60_000)}`)
    const { skills, problems = [] } = contextFiles(folder, noGuard)
    expect(skills.map(({ name }) => name)).toEqual(['s10', 's11', 's12', 's13'])
    expect(problems).toHaveLength(5)
    expect(problems.join('\n')).toContain('.agents/skills/bytes: is no text in UTF-8.')
    expect(problems.join('\n')).toContain('.agents/skills/other/SKILL.md has the name "another"')
    expect(problems.join('\n')).toContain('.agents/skills/s14 is one skill too many')
  })

  it('never comes from outside of the workspace', () => {
    mkdirSync(path.join(root, 'secret'))
    writeFileSync(path.join(root, 'secret', 'SKILL.md'), skill('secret'))
    writeFileSync(path.join(root, 'secret.md'), 'A secret.')
    symlinkSync(path.join(root, 'secret.md'), path.join(folder, 'AGENTS.md'))
    mkdirSync(path.join(folder, '.agents', 'skills'), { recursive: true })
    symlinkSync(path.join(root, 'secret'), path.join(folder, '.agents', 'skills', 'secret'))
    const { instructions, skills, problems = [] } = contextFiles(folder, noGuard)
    expect([instructions, skills]).toEqual([undefined, []])
    expect(problems.join('\n')).toContain('AGENTS.md: path escapes workspace boundary')
    expect(JSON.stringify(problems)).not.toContain('A secret')
  })

  it('may be linked to inside of it', () => {
    write('docs/agents.md', 'Be brief.')
    symlinkSync('docs/agents.md', path.join(folder, 'AGENTS.md'))
    expect(contextFiles(folder, noGuard)).toMatchObject({ instructions: 'Be brief.' })
  })
})
