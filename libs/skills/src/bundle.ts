// Skills on their way: whole folders with all their files as one JSON text, known by the digest of its bytes.
//   S1. The same files give the same bytes, in whatever order they were read.
//   S2. Whoever takes a bundle checks it as if nobody had: it may not come from our command line.
//   S3. Everything that is wrong with any skill is said at once.
import { canonicalJson, isMapping, maxBundleBytes, maxSkills, quoted, type Skill } from '@reins/contracts'
import { pathFault } from './file-names.ts'
import { readSkillText, skillFile } from './skill-text.ts'

export interface SkillFile {
  readonly bytes: Uint8Array
  readonly executable: boolean
}

/** By the name of the folder, then by the path in it, with slashes. */
export type SkillFolders = ReadonlyMap<string, ReadonlyMap<string, SkillFile>>

export const bundleFormat = 'reins-skills/1'
/** Of one skill. */
export const maxSkillFiles = 200

export type BundleRead =
  | { readonly kind: 'skills'; readonly skills: readonly Skill[]; readonly folders: SkillFolders }
  | { readonly kind: 'problems'; readonly problems: readonly string[] }

/** S1. */
export function writeSkillBundle(folders: SkillFolders): string {
  const skills = Object.fromEntries(
    [...folders].map(([folder, files]) => [
      folder,
      Object.fromEntries([...files].map(([path, file]) => [path, written(file)])),
    ]),
  )
  return `${canonicalJson({ format: bundleFormat, skills })}\n`
}

function written({ bytes, executable }: SkillFile) {
  const text = textOf(bytes)
  return {
    ...(text === undefined ? { base64: Buffer.from(bytes).toString('base64') } : { text }),
    ...(executable ? { executable } : {}),
  }
}

/** As text, where it is UTF-8; undefined: it is not. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}

/** S2, S3. Total. */
export function readSkillBundle(text: string): BundleRead {
  const read = readFolders(text)
  if (typeof read === 'string') return { kind: 'problems', problems: [read] }
  const { skills, problems } = checkSkillFolders(read)
  return problems.length > 0 ? { kind: 'problems', problems } : { kind: 'skills', skills, folders: read }
}

/** S3. Each problem begins with the place that it is about. */
export function checkSkillFolders(folders: SkillFolders): {
  readonly skills: readonly Skill[]
  readonly problems: readonly string[]
} {
  const problems: string[] = []
  const skills: Skill[] = []
  if (folders.size === 0) problems.push('holds no skills: each skill is a folder with a SKILL.md')
  if (folders.size > maxSkills) problems.push(`holds ${folders.size} skills; an agent has at most ${maxSkills}`)
  for (const [folder, files] of [...folders].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const path of files.keys()) {
      const fault = pathFault(path)
      if (fault !== undefined) problems.push(`${shownPath(folder, path)} ${fault}`)
    }
    if (files.size > maxSkillFiles)
      problems.push(`${shownPath(folder)} has ${files.size} files; at most ${maxSkillFiles} are allowed`)
    const file = files.get(skillFile)
    const text = file && textOf(file.bytes)
    if (!file) problems.push(`${shownPath(folder)} ${withoutSkillFile([...files.keys()])}`)
    else if (text === undefined) problems.push(`${shownPath(folder, skillFile)} is no text in UTF-8`)
    else {
      const read = readSkillText(text, folder)
      if (read.kind === 'problems')
        for (const problem of read.problems) problems.push(`${shownPath(folder, skillFile)} ${problem}`)
      else skills.push(read.skill)
    }
  }
  return { skills, problems: problems.slice(0, 50) }
}

function withoutSkillFile(paths: readonly string[]): string {
  const close = paths.find((path) => path.toLowerCase() === skillFile.toLowerCase())
  if (close !== undefined) return `has a file ${close}: its name must be ${skillFile}`
  return `has no ${skillFile}: each folder in a folder of skills is a skill`
}

const shownPath = (...parts: readonly string[]): string => quoted(parts.join('/')).slice(1, -1)

const notABundle = `is no bundle of skills: JSON with the format ${bundleFormat} and the files of each skill`

function readFolders(text: string): SkillFolders | string {
  if (Buffer.byteLength(text) > maxBundleBytes) return `is longer than ${maxBundleBytes} bytes`
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return notABundle
  }
  if (!isMapping(value) || value.format !== bundleFormat || !isMapping(value.skills)) return notABundle
  const folders = new Map<string, ReadonlyMap<string, SkillFile>>()
  for (const [folder, files] of Object.entries(value.skills)) {
    if (!isMapping(files)) return notABundle
    const read = new Map<string, SkillFile>()
    for (const [path, file] of Object.entries(files)) {
      const one = fileOf(file)
      if (!one) return notABundle
      read.set(path, one)
    }
    folders.set(folder, read)
  }
  return folders
}

function fileOf(value: unknown): SkillFile | undefined {
  if (!isMapping(value)) return undefined
  const { text, base64, executable } = value
  const bytes =
    typeof text === 'string' && base64 === undefined
      ? Buffer.from(text)
      : typeof base64 === 'string' && text === undefined
        ? Buffer.from(base64, 'base64')
        : undefined
  if (!bytes || (executable !== undefined && typeof executable !== 'boolean')) return undefined
  return { bytes, executable: executable === true }
}
