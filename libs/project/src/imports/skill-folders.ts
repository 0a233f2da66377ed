// `SkillCatalog.fromDirectory('./skills')` in a module of a project: an import of each skill in the folder, so that the bundle has them.
//   SF1. The folder is read where the module is loaded, by the bundler and by Node's loader alike, and is relative to the module.
//   SF2. Lines keep their numbers: imports are added behind the last one.
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { isLeftOut, skillFile } from '@reins/skills'

const call = /\bSkillCatalog\.fromDirectory\(\s*(['"])([^'"\n]+)\1\s*,?\s*\)/g

export type WithFolders =
  | { readonly kind: 'source'; readonly source: string }
  | { readonly kind: 'failed'; readonly problems: readonly string[] }

/** Whoever has SkillCatalog from Reins; so the module that it comes from, which speaks of it, does not. */
export const namesSkillFolder = (source: string): boolean =>
  source.includes('SkillCatalog.fromDirectory(') && /from\s*['"]@reins\/agent['"]/.test(source)

/** `file`: absolute, of the module. */
export async function withSkillFolders(source: string, file: string): Promise<WithFolders> {
  const imports: string[] = []
  const problems: string[] = []
  const lists: string[] = []
  for (const { 2: folder = '', index } of source.matchAll(call)) {
    if (inComment(source, index)) continue
    const found = await skillsIn(path.resolve(path.dirname(file), folder))
    if (typeof found === 'string') problems.push(`SkillCatalog.fromDirectory('${folder}'): ${found}`)
    const names = (typeof found === 'string' ? [] : found).map((skill) => {
      const name = `reinsSkill${imports.length}`
      const place = `./${path.posix.join(folder.replaceAll('\\', '/'), skill, skillFile)}`
      imports.push(`import ${name} from ${JSON.stringify(place)} with { type: 'skill' }`)
      return name
    })
    lists.push(`SkillCatalog.of([${names.join(', ')}])`)
  }
  if (problems.length > 0) return { kind: 'failed', problems }
  let at = 0
  const replaced = source.replace(call, (found: string, _quote: string, _folder: string, index: number) =>
    inComment(source, index) ? found : (lists[at++] ?? ''),
  )
  return { kind: 'source', source: `${replaced}\n${imports.join('\n')}\n` }
}

/** What a comment names is no call. */
function inComment(source: string, index: number): boolean {
  const line = source.slice(source.lastIndexOf('\n', index) + 1, index)
  return /^\s*(?:\*|\/\*)|(?:^|\s)\/\//.test(line)
}

/** Names of folders; a text: what is wrong. */
async function skillsIn(folder: string): Promise<readonly string[] | string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined)
  if (!entries) return 'there is no such folder beside the module'
  const skills: string[] = []
  for (const entry of entries) {
    if (!entry.isDirectory() || isLeftOut(entry.name)) continue
    const inside = await readdir(path.join(folder, entry.name))
    if (inside.includes(skillFile)) skills.push(entry.name)
  }
  return skills.length > 0 ? skills.sort() : `no folder in it has a ${skillFile}`
}
