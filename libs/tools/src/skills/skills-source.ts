// Skills as a source of tools: a model activates one by its name, and reads the files that belong to it.
//   SS1. What is read is the bundle that the session's definition names by its digest, whatever was applied since. No disk is asked: a
//        path is a name in that bundle, so none leads out of it.
//   SS2. A bundle is fetched once and kept for later calls, in as much memory as `keptBytes` says.
//   SS3. A name that is not there is answered with what is there.
import { quoted, skillToolNames, type StoredSkills, storedSkills, suggestion } from '@reins/contracts'
import { readSkillBundle, skillFile, type SkillFolders, splitSkillText, textOf } from '@reins/skills'
import { Type } from 'typebox'
import { succeeded, ToolFailure, type ToolOutcome } from '../calls/outcome.ts'
import type { AskedTools, ToolCatalog, ToolListing, ToolSource, ToolSpec } from '../source.ts'
import { parseArguments, stoppedByRunner } from '../tool.ts'
import type { SkillFoldersOnDisk } from './folders-on-disk.ts'

/** Where bundles are kept, by the digest of their bytes. */
export interface SkillBundles {
  get(digest: string): Promise<Uint8Array | undefined>
}

export interface SkillsSourceOptions {
  readonly bundles: SkillBundles
  /** Where commands of the shell see the folders. Absent: they see none. */
  readonly folders?: Pick<SkillFoldersOnDisk, 'placeOf'>
  /** Of bundles that are kept in memory. */
  readonly keptBytes?: number
}

const closed = { additionalProperties: false } as const
const skillName = (description: string) => Type.String({ minLength: 1, maxLength: 64, description })
const useParameters = Type.Object({ name: skillName('The name of the skill, as it is listed.') }, closed)
const readParameters = Type.Object(
  {
    skill: skillName('The name of the skill that the file belongs to.'),
    path: Type.String({
      minLength: 1,
      maxLength: 1_000,
      description: 'The path of the file inside of the skill, such as references/forms.md.',
    }),
  },
  closed,
)

const tool = (name: string, description: string, parameters: unknown): ToolSpec => ({
  ...{ name, description, replay: 'safe', risk: 'read', time: stoppedByRunner(60_000) },
  parameters: parameters as ToolSpec['parameters'],
})

const tools: readonly ToolSpec[] = [
  tool(
    skillToolNames.use,
    'Activate a skill. Answers with its instructions, which you then follow, and with the names of its other files.',
    useParameters,
  ),
  tool(
    skillToolNames.read,
    'Read a file that belongs to a skill: a reference, a template or a script.',
    readParameters,
  ),
]

function list(definition: AskedTools): ToolListing {
  const stored = storedSkills(definition)
  return { kind: 'listed', tools: stored && stored.skills.length > 0 ? tools : [] }
}

/** What there is, for those who run nothing. */
export const skillsCatalog: ToolCatalog & { list(definition: AskedTools): ToolListing } = { name: 'skills', list }

export function skillsSource({ bundles, folders, keptBytes = 32 * 1024 * 1024 }: SkillsSourceOptions): ToolSource {
  const kept = new KeptBundles(bundles, keptBytes)
  return {
    ...skillsCatalog,
    run: async ({ name, arguments: args, definition }) => {
      const stored = storedSkills(definition)
      if (!stored) throw new ToolFailure('not-found', 'the agent has no skills')
      switch (name) {
        case skillToolNames.use:
          return use(
            await kept.of(stored),
            stored,
            parseArguments(useParameters, args).name,
            folders?.placeOf(definition),
          )
        case skillToolNames.read: {
          const { skill, path } = parseArguments(readParameters, args)
          return read(await kept.of(stored), stored, skill, path)
        }
        default:
          throw new ToolFailure('not-found', `the agent has no tool ${quoted(name)}`)
      }
    },
  }
}

/** `place`: of all skills, for commands; undefined: the agent runs none. */
function use(folders: SkillFolders, stored: StoredSkills, name: string, place: string | undefined): ToolOutcome {
  const files = filesOf(folders, stored, name)
  const text = textOf(files.get(skillFile)?.bytes ?? new Uint8Array())
  const parts = text === undefined ? undefined : splitSkillText(text)
  if (!parts) throw new ToolFailure('failed', `the skill ${quoted(name)} has no instructions that can be read`)
  const others = [...files.keys()].filter((path) => path !== skillFile).sort()
  const allowed = stored.skills.find((one) => one.name === name)?.allowed_tools
  return succeeded({
    skill: name,
    instructions: parts.instructions.trim(),
    ...(others.length === 0 ? {} : { files: others }),
    ...(others.length === 0 || place === undefined ? {} : { folder: `${place}/${name}`, note: runNote }),
    ...(allowed === undefined ? {} : { allowed_tools: allowed }),
  })
}

const runNote =
  'Commands of the shell see these files, read-only, in that folder: run a script by its path there. The working folder stays the workspace.'

function read(folders: SkillFolders, stored: StoredSkills, skill: string, path: string): ToolOutcome {
  const files = filesOf(folders, stored, skill)
  const asked = path.replace(/^(?:\.\/)+/, '')
  const file = files.get(asked)
  if (!file) {
    const there = [...files.keys()].sort()
    const shown = there.slice(0, 50).join(', ') + (there.length > 50 ? ` and ${there.length - 50} more` : '')
    throw new ToolFailure(
      'not-found',
      `the skill ${quoted(skill)} has no file ${quoted(path)}${suggestion(asked, there) || '.'} It has: ${shown}`,
    )
  }
  const text = textOf(file.bytes)
  if (text === undefined)
    throw new ToolFailure(
      'failed',
      `${quoted(asked)} is no text: a file of ${file.bytes.length} bytes, which cannot be shown`,
    )
  return succeeded({ skill, path: asked, content: text })
}

/** SS3. */
function filesOf(folders: SkillFolders, stored: StoredSkills, name: string) {
  const files = stored.skills.some((one) => one.name === name) ? folders.get(name) : undefined
  if (files) return files
  const names = stored.skills.map((one) => one.name)
  throw new ToolFailure(
    'not-found',
    `there is no skill ${quoted(name)}${suggestion(name, names) || '.'} Available: ${names.join(', ')}`,
  )
}

/** SS2. Those that were used last. */
class KeptBundles {
  readonly #bundles: SkillBundles
  readonly #mostBytes: number
  readonly #kept = new Map<string, { readonly size: number; readonly folders: Promise<SkillFolders> }>()

  constructor(bundles: SkillBundles, mostBytes: number) {
    this.#bundles = bundles
    this.#mostBytes = mostBytes
  }

  of({ digest, size, dir }: StoredSkills): Promise<SkillFolders> {
    const known = this.#kept.get(digest)
    const folders = known?.folders ?? this.#fetch(digest, dir)
    this.#kept.delete(digest)
    this.#kept.set(digest, { size, folders })
    let total = [...this.#kept.values()].reduce((sum, one) => sum + one.size, 0)
    for (const [oldest, { size: bytes }] of this.#kept) {
      if (total <= this.#mostBytes || oldest === digest) break
      this.#kept.delete(oldest)
      total -= bytes
    }
    if (!known) folders.catch(() => this.#kept.delete(digest))
    return folders
  }

  async #fetch(digest: string, dir: string): Promise<SkillFolders> {
    const bytes = await this.#bundles.get(digest)
    const read = bytes && readSkillBundle(new TextDecoder().decode(bytes))
    if (read?.kind === 'skills') return read.folders
    const why = bytes ? 'are damaged' : 'are not kept any more'
    throw new ToolFailure('failed', `the skills of ${quoted(dir)} ${why}: apply the agent again`)
  }
}
