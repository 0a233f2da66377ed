// The folder of skills that a definition names: which bundle it means, and what is in it. Skills are read here, and no code of them runs.
//   K1. A bundle that came with the request is checked whole, file by file, whoever sent it.
//   K2. A digest means the stored copy, which was checked when it came.
import { type BundleEntry, canonicalJson, type Skill, type SkillsFolder, type StoredSkills } from '@reins/contracts'
import { readSkillBundle } from '@reins/skills'
import type { Bundle } from './sent-files.ts'

export type SkillsFound =
  | { readonly kind: 'stored'; readonly stored: StoredSkills }
  | {
      readonly kind: 'sent'
      readonly stored: StoredSkills
      readonly bundle: Bundle & { readonly tools: []; readonly skills: Skill[] }
    }
  /** Each as it stands behind `skills_dir`. */
  | { readonly kind: 'problems'; readonly problems: readonly string[] }

export async function skillsOf(
  folder: SkillsFolder,
  sent: Bundle | undefined,
  known: (digest: string) => Promise<BundleEntry | undefined>,
): Promise<SkillsFound> {
  const { dir } = folder
  const digest = folder.digest ?? sent?.digest
  if (digest === undefined)
    return problem(`names the folder ${dir}, and its contents did not come with the request. ${wayOut}`)
  if (sent && sent.digest !== digest)
    return problem(`(${dir}) names the digest ${digest}, and the contents that came with it have ${sent.digest}`)
  const entry = await known(digest)
  if (entry) {
    const { size, skills } = entry
    return skills
      ? finished(folder, { digest, size, skills })
      : problem(`(${dir}) names the digest of code, not of skills`)
  }
  if (!sent) return problem(`(${dir}) names the digest ${digest}, and no such bundle is stored here. ${elsewhere}`)
  const read = readSkillBundle(new TextDecoder().decode(sent.bytes)) // K1
  if (read.kind === 'problems') return { kind: 'problems', problems: read.problems.map((one) => `(${dir}) ${one}`) }
  const skills = [...read.skills]
  const found = finished(folder, { digest, size: sent.bytes.length, skills })
  return found.kind === 'stored' ? { ...found, kind: 'sent', bundle: { ...sent, tools: [], skills } } : found
}

function finished(
  { dir, size, skills }: SkillsFolder,
  has: Pick<StoredSkills, 'digest' | 'size' | 'skills'>,
): Exclude<SkillsFound, { kind: 'sent' }> {
  if (size !== undefined && size !== has.size)
    return problem(`(${dir}) says that its size is ${size}; it is ${has.size}`)
  if (skills !== undefined && canonicalJson(skills) !== canonicalJson(has.skills))
    return problem(`(${dir}) has other "skills" than its folder: leave them out, Reins fills them in`)
  return { kind: 'stored', stored: { dir, ...has } }
}

const problem = (text: string) => ({ kind: 'problems', problems: [text] }) as const

const wayOut =
  'Reins reads no folder but where you type reins agent apply, which bundles the folder and sends it; over HTTP, send the bundle in "files" (docs/skills.md).'
const elsewhere = 'Leave "digest", "size" and "skills" out, and apply the definition where the folder is.'
