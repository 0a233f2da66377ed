import { type BundleEntry, bundleDigest, type SkillsFolder } from '@reins/contracts'
import { writeSkillBundle } from '@reins/skills'
import { describe, expect, test } from 'vitest'
import { skillsOf } from './skills.ts'

const skillText = (name: string): string => `---\nname: ${name}\ndescription: Does ${name}.\n---\nSteps.\n`
const sentOf = (text: string) => ({ digest: bundleDigest(Buffer.from(text)), bytes: Buffer.from(text) })
const whole = sentOf(
  writeSkillBundle(
    new Map([['pdf', new Map([['SKILL.md', { bytes: Buffer.from(skillText('pdf')), executable: false }]])]]),
  ),
)
const skills = [{ name: 'pdf', description: 'Does pdf.' }]
const stored = { dir: './s', digest: whole.digest, size: whole.bytes.length, skills }
const record: BundleEntry = { digest: whole.digest, size: whole.bytes.length, at: 1, by: 'ann', tools: [], skills }
const none = async () => undefined
const kept = async (digest: string) => (digest === whole.digest ? record : undefined)

async function problem(...asked: Parameters<typeof skillsOf>): Promise<string> {
  const found = await skillsOf(...asked)
  return found.kind === 'problems' ? found.problems.join('\n') : ''
}

describe('the folder of skills that a definition names', () => {
  test('is stored with what it holds', async () => {
    expect(await skillsOf({ dir: './s' }, whole, none)).toMatchObject({
      kind: 'sent',
      stored,
      bundle: { tools: [], skills },
    })
  })

  test('is the stored copy where its digest is known, whether it comes again or not', async () => {
    expect(await skillsOf({ dir: './s' }, whole, kept)).toEqual({ kind: 'stored', stored })
    const named: SkillsFolder = { dir: './s', digest: whole.digest }
    expect(await skillsOf(named, undefined, kept)).toEqual({ kind: 'stored', stored })
  })

  test('is refused where only its path came', async () => {
    expect(await problem({ dir: '/srv/skills' }, undefined, none)).toMatch(
      /names the folder \/srv\/skills, and its contents did not come .* reins agent apply, which bundles the folder/,
    )
  })

  test('is refused where it is not what it says', async () => {
    const digest = `sha256-${'0'.repeat(64)}`
    expect(await problem({ dir: './s', digest }, undefined, kept)).toContain('no such bundle is stored here')
    expect(await problem({ dir: './s', digest }, whole, kept)).toContain('the contents that came with it have')
    expect(await problem({ dir: './s', size: 3 }, whole, none)).toContain('says that its size is 3')
    expect(await problem({ dir: './s', skills: [] }, whole, none)).toContain('has other "skills" than its folder')
    const code = async () => ({ digest: whole.digest, size: 1, at: 1, by: 'ann', tools: [] })
    expect(await problem({ dir: './s' }, whole, code)).toContain('names the digest of code')
  })

  test('is checked file by file, whoever bundled it', async () => {
    expect(await problem({ dir: './s' }, sentOf('export const x = 1'), none)).toContain('is no bundle of skills')
    const leaking = sentOf(
      JSON.stringify({
        format: 'reins-skills/1',
        skills: {
          pdf: { 'SKILL.md': { text: skillText('doc') }, '../../etc/cron': { text: 'x' }, '.env': { text: 'x' } },
        },
      }),
    )
    const told = await problem({ dir: './s' }, leaking, none)
    for (const part of ['pdf/../../etc/cron leads out', 'pdf/.env looks like', 'has the name "doc"'])
      expect(told).toContain(part)
  })
})
