// What commands do with a project on this machine: build it, ask it what it is, and write files.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type DescribedProject, describeProject, type ProjectBuilder, projectBuilder } from '@reins/project'
import { linkPackages } from './link-packages.ts'
import { runTests } from './run-tests.ts'
import { type WatchedFolder, watchFolder } from './watch-folder.ts'

export interface ProjectTools {
  /** `folder`: as it was named, from the current folder. Whoever takes one closes it. */
  builder(folder: string): ProjectBuilder
  /** Loads a built project once, in a process of its own. */
  describe(text: string): Promise<DescribedProject>
  /** The folder's own name. */
  nameOf(folder: string): string
  /** The text of a file; undefined: it is not there. */
  read(file: string): Promise<string | undefined>
  /** Tells of changes of source files in the folder. Whoever calls it closes what it gives. */
  watch(folder: string, changed: (since: number) => Promise<void>): Promise<WatchedFolder>
  /** Lets editors and scripts of the project find what they need of this Reins. */
  link(folder: string): Promise<void>
  /** The exit code of its tests; `none`: there are none. */
  test(folder: string, signal: AbortSignal): Promise<number | 'none'>
  /** Writes files whole, with their folders. */
  write(files: Readonly<Record<string, string>>): Promise<void>
}

/** `node`: the program that loads built projects. */
export const projectTools = (node: string): ProjectTools => ({
  builder: projectBuilder,
  describe: (text) => describeProject(text, node),
  watch: watchFolder,
  link: linkPackages,
  test: (folder, signal) => runTests(node, folder, signal),
  nameOf: (folder) => path.basename(path.resolve(folder)),
  read: (file) =>
    readFile(file, 'utf8').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
        return undefined
      throw error
    }),
  write: async (files) => {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(path.dirname(file), { recursive: true })
      const draft = `${file}.${process.pid}.draft`
      await writeFile(draft, text)
      await rename(draft, file)
    }
  },
})
