// A folder of skills on this machine: each folder in it whole, with all its files.
//   SF1. Nothing is followed out of the folder: a link is refused by name, whatever it points to.
//   SF2. Everything that is wrong is said at once, with the path from the current folder, and nothing is sent then.
//   SF3. What is read is bounded: no folder, however large, takes this process long or much memory.
import { lstat, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { maxBundleBytes, type Skill } from '@reins/contracts'
import {
  checkSkillFolders,
  isLeftOut,
  maxSkillFiles,
  pathFault,
  type SkillFile,
  type SkillFolders,
  skillFile,
  writeSkillBundle,
} from '@reins/skills'

export type BundledSkills =
  | { readonly kind: 'bundled'; readonly text: string; readonly skills: readonly Skill[] }
  | { readonly kind: 'failed'; readonly problems: readonly string[] }

const maxFiles = 4_000
const maxDepth = 10

/** `folder`: as it was named, from the current folder. */
export async function bundleSkills(folder: string): Promise<BundledSkills> {
  const there = await lstat(folder).catch(codeOf)
  if (typeof there === 'string')
    return failed(there === 'ENOENT' ? `${folder}: there is no such folder` : `${folder}: cannot be read (${there})`)
  // The folder itself may be named by a link: it is what the person typed.
  const entries = await readdir(folder, { withFileTypes: true }).catch(codeOf)
  if (typeof entries === 'string')
    return failed(
      entries === 'ENOTDIR' ? `${folder}: is a file; name a folder` : `${folder}: cannot be read (${entries})`,
    )
  if (entries.some(({ name }) => name === skillFile))
    return failed(
      `${folder}: is a skill itself. Name the folder that it lies in: ${path.join(folder, '..')} (each folder in it must be a skill)`,
    )
  const reading = new Reading()
  const folders = new Map<string, ReadonlyMap<string, SkillFile>>()
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (isLeftOut(entry.name)) continue
    const place = path.join(folder, entry.name)
    if (entry.isSymbolicLink()) reading.problems.push(linked(place))
    else if (entry.isDirectory()) folders.set(entry.name, await reading.skill(place))
  }
  if (reading.problems.length > 0) return { kind: 'failed', problems: reading.problems.slice(0, 50) }
  return finished(folder, folders)
}

function finished(folder: string, folders: SkillFolders): BundledSkills {
  const { skills, problems } = checkSkillFolders(folders)
  if (folders.size === 0) return failed(`${folder}: holds no skills; each skill is a folder with a ${skillFile}`)
  if (problems.length > 0) return { kind: 'failed', problems: problems.map((one) => `${folder}/${one}`) }
  const text = writeSkillBundle(folders)
  const bytes = Buffer.byteLength(text)
  if (bytes <= maxBundleBytes) return { kind: 'bundled', text, skills }
  return failed(
    `${folder}: has ${bytes} bytes with all files; at most ${maxBundleBytes} are allowed. Most are in ${largest(folders)}`,
  )
}

function largest(folders: SkillFolders): string {
  const files = [...folders].flatMap(([folder, inside]) =>
    [...inside].map(([name, { bytes }]) => ({ name: `${folder}/${name}`, size: bytes.length })),
  )
  const most = files.sort((a, b) => b.size - a.size).slice(0, 3)
  return most.map(({ name, size }) => `${name} (${size})`).join(', ')
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error)
const failed = (problem: string): BundledSkills => ({ kind: 'failed', problems: [problem] })
const linked = (place: string): string => `${place}: is a link, and links are not followed: put the file itself there`

/** SF3. */
class Reading {
  readonly problems: string[] = []
  #bytes = 0
  #files = 0
  #full = false

  async skill(root: string): Promise<ReadonlyMap<string, SkillFile>> {
    const files = new Map<string, SkillFile>()
    await this.#folder(root, '', files, 1)
    return files
  }

  async #folder(root: string, below: string, files: Map<string, SkillFile>, depth: number): Promise<void> {
    const here = path.join(root, below)
    if (depth > maxDepth) return void this.problems.push(`${here}: lies deeper than ${maxDepth} folders`)
    const entries = await readdir(here, { withFileTypes: true }).catch(codeOf)
    if (typeof entries === 'string') return void this.problems.push(`${here}: cannot be read (${entries})`)
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (this.#full || this.problems.length >= 50) return
      if (isLeftOut(entry.name)) continue
      const name = below === '' ? entry.name : `${below}/${entry.name}`
      const place = path.join(root, name)
      const fault = pathFault(name)
      if (entry.isSymbolicLink()) this.problems.push(linked(place))
      else if (fault !== undefined) this.problems.push(`${place}: ${fault}`)
      else if (entry.isDirectory()) await this.#folder(root, name, files, depth + 1)
      else if (entry.isFile()) await this.#file(place, name, files)
      else this.problems.push(`${place}: is no file`)
    }
  }

  async #file(place: string, name: string, files: Map<string, SkillFile>): Promise<void> {
    this.#files += 1
    const info = await lstat(place).catch(codeOf)
    if (typeof info === 'string') return void this.problems.push(`${place}: cannot be read (${info})`)
    this.#bytes += info.size
    if (this.#bytes > maxBundleBytes) return this.#stop(place, `${maxBundleBytes} bytes`)
    if (this.#files > maxFiles) return this.#stop(place, `${maxFiles} files (a skill has at most ${maxSkillFiles})`)
    const bytes = await readFile(place).catch(codeOf)
    if (typeof bytes === 'string') this.problems.push(`${place}: cannot be read (${bytes})`)
    else files.set(name, { bytes, executable: (info.mode & 0o100) !== 0 })
  }

  #stop(place: string, most: string): void {
    this.#full = true
    this.problems.push(`${place}: with it the skills have more than ${most}. Leave out what no skill needs`)
  }
}
