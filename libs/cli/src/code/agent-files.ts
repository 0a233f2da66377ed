// The files of code and the folders of skills that a definition names: found, bundled, and ready to be sent with it.
//   A1. A path in the definition's file is relative to that file, a path of a flag to the current folder.
//   A2. A text that names a digest means the stored copy: its file is not read.
//   A3. Everything that is wrong with any of the files is said at once, and nothing is sent.
import path from 'node:path'
import { codeEntries, placedSkills, type SentFile, workflowEntry } from '@reins/contracts'
import type { CliContext } from '../context.ts'
import { CommandFailure, usageFailure } from '../failure.ts'

export interface NamedCode {
  /** As the definition is going to be sent; whatever is wrong with it is the server's to say. */
  readonly fields: Readonly<Record<string, unknown>>
  /** Of the file that the definition was read from; undefined: it was not, or it came from stdin. */
  readonly folder: string | undefined
  /** Whether `tools_file` came from a flag. */
  readonly byFlag: boolean
  /** Whether `workflow_file` did. */
  readonly workflowByFlag?: boolean
  /** Whether `skills_dir` did. */
  readonly skillsByFlag?: boolean
}

export async function codeOf(
  context: Pick<CliContext, 'bundle' | 'bundleSkills'>,
  named: NamedCode,
): Promise<readonly SentFile[]> {
  const places = placesOf(named)
  const files: SentFile[] = []
  const problems: string[] = []
  for (const [file, place] of places) {
    const bundled = await context.bundle(place)
    if (bundled.kind === 'bundled') files.push({ file, text: bundled.text })
    else problems.push(...bundled.problems)
  }
  if (problems.length > 0)
    throw new CommandFailure(`The agent's code cannot be bundled, so nothing was sent:\n${indented(problems)}`, {
      next: 'Correct the files, and give the command again. docs/tools.md says how tools are written.',
    })
  return [...files, ...(await skillsOf(context, named))]
}

async function skillsOf(
  context: Pick<CliContext, 'bundleSkills'>,
  { fields, folder = '.', skillsByFlag = false }: NamedCode,
): Promise<readonly SentFile[]> {
  const places = new Map<string, string>()
  for (const { path: at, folder: named } of placedSkills(fields)) {
    const { dir } = named
    if (named.digest !== undefined || dir === '' || dir.includes('\0')) continue // A2
    const byFlag = skillsByFlag && at === 'skills_dir'
    places.set(dir, byFlag || path.isAbsolute(dir) ? dir : path.join(folder, dir))
  }
  const files: SentFile[] = []
  const problems: string[] = []
  for (const [dir, place] of places) {
    const bundled = await context.bundleSkills(place)
    if (bundled.kind === 'bundled') files.push({ file: dir, text: bundled.text })
    else problems.push(...bundled.problems)
  }
  if (problems.length === 0) return files
  throw new CommandFailure(`The agent's skills cannot be bundled, so nothing was sent:\n${indented(problems)}`, {
    next: 'Correct the skills, and give the command again. docs/skills.md says how skills are written; reins skill validate checks them.',
  })
}

const indented = (problems: readonly string[]): string =>
  problems.map((problem) => `  ${problem.replaceAll('\n', '\n  ')}`).join('\n')

/** Where each file that must be read lies, from the current folder. */
function placesOf({ fields, folder = '.', byFlag, workflowByFlag = false }: NamedCode): ReadonlyMap<string, string> {
  const places = new Map<string, string>()
  const workflow = workflowEntry(fields)
  const entries = [...codeEntries(fields).entries, ...(workflow ? [{ ...workflow, path: 'workflow_file' }] : [])]
  for (const { path: at, file, digest } of entries) {
    if (digest !== undefined) continue // A2
    const flagged = at === 'workflow_file' ? workflowByFlag : byFlag && at.startsWith('tools_file')
    const place = flagged ? file : path.join(path.isAbsolute(file) ? '' : folder, file)
    const other = places.get(file)
    if (other !== undefined && path.resolve(other) !== path.resolve(place))
      throw usageFailure(
        `Two files are both named ${file}: ${other}, and ${place} by a flag.`,
        'Name one of them in another way, for example by its whole path.',
      )
    places.set(file, place)
  }
  return places
}
