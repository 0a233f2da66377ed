// The files of skills as folders on this machine, so that commands of the shell can run their scripts. They are copies of the bundle, by its
// digest: what is laid out once is the same for every session, and is shown read-only.
//   FD1. A folder is there whole or not at all: it is made under another name, and then gets its own.
//   FD2. Nobody but this file writes there. A command sees it through a read-only mount; without a sandbox the files' modes say the same.
//   FD3. What was not used for a day goes when there are many. So this never fills a disk, and takes nothing from a command that runs.
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { storedSkills, type StoredSkills } from '@reins/contracts'
import { readSkillBundle } from '@reins/skills'
import { ToolFailure } from '../calls/outcome.ts'
import { resolveTools } from '../resolve.ts'
import type { Sandbox, ShownFolder } from '../sandbox/sandbox.ts'
import type { AskedTools } from '../source.ts'
import type { SkillBundles } from './skills-source.ts'

/** Where a sandboxed command sees them. */
export const skillsPlace = '/skills'

export interface SkillFoldersOptions {
  /** Absolute; made when needed. */
  readonly root: string
  readonly bundles: SkillBundles
  readonly sandbox: Pick<Sandbox, 'kind'>
  /** epoch ms */
  readonly now: () => number
}

/** FD3. */
const mostKept = 100
const dayMs = 24 * 60 * 60 * 1000

export class SkillFoldersOnDisk {
  readonly #options: SkillFoldersOptions
  readonly #laidOut = new Map<string, Promise<string>>()

  constructor(options: SkillFoldersOptions) {
    this.#options = options
  }

  /** Where commands of this agent see the folders of its skills; undefined: it has no skills, or runs no commands. */
  placeOf(definition: AskedTools): string | undefined {
    const stored = storedSkills(definition)
    if (!stored || stored.skills.length === 0 || !runsCommands(definition)) return undefined
    return this.#options.sandbox.kind === 'none' ? this.#folder(stored) : skillsPlace
  }

  /** What a command of this agent is to see. Rejects with ToolFailure where the files are not to be had. */
  async shownTo(definition: AskedTools): Promise<ShownFolder | undefined> {
    const stored = storedSkills(definition)
    return stored && stored.skills.length > 0 ? { from: await this.#layOut(stored), at: skillsPlace } : undefined
  }

  #folder({ digest }: StoredSkills): string {
    return path.join(this.#options.root, digest)
  }

  #layOut(stored: StoredSkills): Promise<string> {
    const known = this.#laidOut.get(stored.digest)
    const laid = (known ?? Promise.resolve('')).then((folder) =>
      this.#isThere(folder).then((there) => (there ? folder : this.#make(stored))),
    )
    this.#laidOut.set(stored.digest, laid)
    laid.catch(() => this.#laidOut.delete(stored.digest))
    return laid
  }

  /** FD1. */
  async #make(stored: StoredSkills): Promise<string> {
    const folder = this.#folder(stored)
    if (await this.#isThere(folder)) return folder
    const bytes = await this.#options.bundles.get(stored.digest)
    const read = bytes && readSkillBundle(new TextDecoder().decode(bytes))
    if (read?.kind !== 'skills')
      throw new ToolFailure('failed', 'the files of the skills are not kept any more: apply the agent again')
    await mkdir(this.#options.root, { recursive: true })
    const made = await mkdtemp(path.join(this.#options.root, '.new-'))
    for (const [skill, files] of read.folders)
      for (const [name, { bytes: content, executable }] of files) {
        const place = path.join(made, skill, ...name.split('/'))
        await mkdir(path.dirname(place), { recursive: true })
        await writeFile(place, content, { mode: executable ? 0o555 : 0o444 })
      }
    await rename(made, folder).catch(async (error: unknown) => {
      // Another process was first.
      await rm(made, { recursive: true, force: true })
      if (!(await this.#isThere(folder))) throw error
    })
    await this.#isThere(folder)
    await this.#makeRoom()
    return folder
  }

  /** That it is used now is known by its time (FD3). */
  async #isThere(folder: string): Promise<boolean> {
    if (folder === '') return false
    const now = new Date(this.#options.now())
    return utimes(folder, now, now).then(
      () => true,
      () => false,
    )
  }

  /** FD3. */
  async #makeRoom(): Promise<void> {
    const { root, now } = this.#options
    const names = await readdir(root)
    if (names.length <= mostKept) return
    for (const name of names) {
      const used = await stat(path.join(root, name)).catch(() => undefined)
      if (used && now() - used.mtimeMs > dayMs) await rm(path.join(root, name), { recursive: true, force: true })
    }
  }
}

const runs = new WeakMap<AskedTools, boolean>()

function runsCommands(definition: AskedTools): boolean {
  const known = runs.get(definition)
  if (known !== undefined) return known
  const resolved = resolveTools(definition.tools ?? [])
  const found = resolved.ok && resolved.tools.some(({ definition: tool }) => tool.name === 'shell')
  runs.set(definition, found)
  return found
}
