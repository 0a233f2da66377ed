import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { bundleDigest } from '@reins/contracts'
import { writeSkillBundle } from '@reins/skills'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { SkillFoldersOnDisk } from './folders-on-disk.ts'

let root: string
beforeEach(() => {
  root = path.join(mkdtempSync(path.join(tmpdir(), 'reins-skills-')), 'kept')
})
afterEach(() => rmSync(path.dirname(root), { recursive: true, force: true }))

const bundleOf = (name: string, script = 'echo hi') =>
  Buffer.from(
    writeSkillBundle(
      new Map([
        [
          name,
          new Map([
            ['SKILL.md', { bytes: Buffer.from(`---\nname: ${name}\ndescription: d\n---\nx\n`), executable: false }],
            ['scripts/run.sh', { bytes: Buffer.from(script), executable: true }],
          ]),
        ],
      ]),
    ),
  )
const bytes = bundleOf('pdf')
const definition = {
  ...{ name: 'a', tools: ['shell'] },
  skills_dir: {
    dir: './s',
    digest: bundleDigest(bytes),
    size: bytes.length,
    skills: [{ name: 'pdf', description: 'd' }],
  },
}
const folders = (more: Partial<ConstructorParameters<typeof SkillFoldersOnDisk>[0]> = {}) => {
  const asked: string[] = []
  const made = new SkillFoldersOnDisk({
    ...{ root, sandbox: { kind: 'bubblewrap' }, now: () => 1_000_000 },
    bundles: {
      get: async (digest) => {
        asked.push(digest)
        return digest === bundleDigest(bytes) ? bytes : undefined
      },
    },
    ...more,
  })
  return { made, asked }
}

it('lays out the files of a bundle once, as nobody may change them', async () => {
  const { made, asked } = folders()
  const [shown] = await Promise.all([made.shownTo(definition), made.shownTo(definition)])
  expect(shown).toEqual({ from: path.join(root, definition.skills_dir.digest), at: '/skills' })
  const script = path.join(shown?.from ?? '', 'pdf', 'scripts', 'run.sh')
  expect([readFileSync(script, 'utf8'), statSync(script).mode & 0o777]).toEqual(['echo hi', 0o555])
  expect(statSync(path.join(shown?.from ?? '', 'pdf', 'SKILL.md')).mode & 0o777).toBe(0o444)
  expect(await folders().made.shownTo(definition)).toEqual(shown)
  expect(asked).toHaveLength(1)
  expect(readdirSync(root)).toHaveLength(1)
})

it('lays them out again where somebody has removed them', async () => {
  const { made } = folders()
  const shown = await made.shownTo(definition)
  rmSync(root, { recursive: true, force: true })
  await made.shownTo(definition)
  expect(existsSync(path.join(shown?.from ?? '', 'pdf', 'SKILL.md'))).toBe(true)
})

it('names the place where commands see them, to agents that run some', () => {
  const { made } = folders()
  expect(made.placeOf(definition)).toBe('/skills')
  expect(made.placeOf({ ...definition, tools: ['files'] })).toBeUndefined()
  expect(made.placeOf({ name: 'a', tools: ['shell'] })).toBeUndefined()
  expect(folders({ sandbox: { kind: 'none' } }).made.placeOf(definition)).toBe(
    path.join(root, definition.skills_dir.digest),
  )
})

it('shows nothing to an agent without skills, and says so where a bundle is gone', async () => {
  const { made } = folders({ bundles: { get: async () => undefined } })
  expect(await made.shownTo({ name: 'a', tools: ['shell'] })).toBeUndefined()
  await expect(made.shownTo(definition)).rejects.toThrow('not kept any more')
})

it('lets go what was not used for a day, where there are many', async () => {
  let now = 0
  const bundles = new Map(
    Array.from({ length: 104 }, (_, at) => bundleOf('pdf', `echo ${at}`)).map((one) => [bundleDigest(one), one]),
  )
  const { made } = folders({ now: () => now, bundles: { get: async (digest) => bundles.get(digest) } })
  for (const [digest, one] of bundles) {
    now += 60 * 60 * 1000
    await made.shownTo({ ...definition, skills_dir: { ...definition.skills_dir, digest, size: one.length } })
  }
  const left = readdirSync(root)
  expect(left.length).toBeLessThan(40)
  expect(left).toContain([...bundles.keys()].at(-1))
  for (const name of left) chmodSync(path.join(root, name), 0o755)
})
