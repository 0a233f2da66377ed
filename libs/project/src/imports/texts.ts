// Imports of files that are no code: a skill (SKILL.md, with its whole folder), and Markdown as text.
//   T1. What an import means is said by its attribute, and without one by the file's name: SKILL.md is a skill, any other .md is text.
//   T2. A skill is checked where it is imported, so a wrong one never gets into a bundle.
//   T3. The bundler and the loader of plain Node make the same module of the same file.
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { checkSkillFolders, isLeftOut, type SkillFile, skillFile, textOf } from '@reins/skills'

export type TextModule =
  | { readonly kind: 'module'; readonly code: string }
  | { readonly kind: 'failed'; readonly problems: readonly string[] }

export const textTypes: readonly string[] = ['skill', 'markdown', 'text']

/** What a file is imported as; undefined: as code. T1. */
export function textKind(file: string, type: string | undefined): 'skill' | 'text' | undefined {
  if (type === 'skill') return 'skill'
  if (type === 'markdown' || type === 'text') return 'text'
  if (type !== undefined || !file.toLowerCase().endsWith('.md')) return undefined
  return path.basename(file) === skillFile ? 'skill' : 'text'
}

/** `file`: absolute. */
export async function textModule(file: string, kind: 'skill' | 'text'): Promise<TextModule> {
  const bytes = await readFile(file).catch(() => undefined)
  if (!bytes) return failed(`${path.basename(file)} cannot be read`)
  if (kind === 'skill') return skillModule(file)
  const text = textOf(bytes)
  return text === undefined
    ? failed(`${path.basename(file)} is no text in UTF-8`)
    : { kind: 'module', code: `export default ${JSON.stringify(text)}\n` }
}

const failed = (problem: string): TextModule => ({ kind: 'failed', problems: [problem] })
const mostBytes = 4 * 1024 * 1024
const mostFiles = 200

/** T2. */
async function skillModule(file: string): Promise<TextModule> {
  if (path.basename(file) !== skillFile)
    return failed(
      `${path.basename(file)} is imported as a skill, and a skill is a file ${skillFile} in a folder with the skill's name`,
    )
  const folder = path.dirname(file)
  const files = new Map<string, SkillFile>()
  const problem = await readInto(files, folder, '')
  const name = path.basename(folder)
  if (problem !== undefined) return failed(`The skill ${name} ${problem}`)
  const { skills, problems } = checkSkillFolders(new Map([[name, files]]))
  const [skill] = skills
  if (problems.length > 0 || !skill) return { kind: 'failed', problems }
  const written = Object.fromEntries(
    [...files].map(([at, { bytes, executable }]) => {
      const text = textOf(bytes)
      const contents = text === undefined ? { base64: Buffer.from(bytes).toString('base64') } : { text }
      return [at, executable ? { ...contents, executable } : contents]
    }),
  )
  const code = [
    `const skill = ${JSON.stringify(skill)}`,
    `const files = ${JSON.stringify(written)}`,
    "export default Object.freeze({ ...skill, [Symbol.for('reins.skill')]: Object.freeze({ version: 1, files }) })",
    '',
  ].join('\n')
  return { kind: 'module', code }
}

async function readInto(files: Map<string, SkillFile>, folder: string, prefix: string): Promise<string | undefined> {
  const entries = await readdir(folder, { withFileTypes: true })
  let bytes = [...files.values()].reduce((sum, one) => sum + one.bytes.length, 0)
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (isLeftOut(entry.name)) continue
    const place = path.join(folder, entry.name)
    const name = `${prefix}${entry.name}`
    if (entry.isSymbolicLink())
      return `has the link ${name} beside it, and links are not followed: put the file itself there`
    if (entry.isDirectory()) {
      const problem = await readInto(files, place, `${name}/`)
      if (problem !== undefined) return problem
      continue
    }
    if (!entry.isFile()) continue
    if (files.size >= mostFiles) return `has more than ${mostFiles} files in its folder`
    const { mode, size } = await stat(place)
    bytes += size
    if (bytes > mostBytes) return `has more than ${mostBytes} bytes in its folder`
    files.set(name, { bytes: await readFile(place), executable: (mode & 0o100) !== 0 })
  }
  return undefined
}
