// Where long outputs wait until they are kept: in the data folder, which no tool sees.
//   SF1. What lies there has no name for longer than a moment, so whatever is found at a start was left by a process that was killed in that
//        moment, and goes; also what another process has just opened, which it needs no more by its name.
//   SF2. A service without a data folder, or with one that it may only read (a container's secrets), has a spool of its own in the
//        temporary folder, masked like a data folder and removed at its end.
//   SF3. A link in the place of the folder is removed, not followed: the data folder may be somebody else's, and this process root's.
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface SpoolFolder {
  readonly path: string
  /** Besides the data folder. */
  readonly masked: readonly string[]
  remove(): void
}

/** `dataDir`: undefined where there is none. Whoever makes it removes it. */
export function spoolFolder(dataDir: string | undefined): SpoolFolder {
  const folder = dataDir && madeIn(dataDir)
  if (folder) return { path: folder, masked: [], remove: () => {} }
  const own = realpathSync(mkdtempSync(path.join(tmpdir(), 'reins-spool-')))
  return { path: own, masked: [own], remove: () => rmSync(own, { recursive: true, force: true }) }
}

/** undefined: nothing can be made there. */
function madeIn(dataDir: string): string | undefined {
  const folder = path.join(dataDir, 'spool')
  try {
    const there = lstatSync(folder, { throwIfNoEntry: false })
    if (there && !there.isDirectory()) rmSync(folder)
    if (!there?.isDirectory()) mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (unwritable.has(code)) return undefined
    if (code !== 'EEXIST') throw error // another process has just made it
  }
  for (const left of readdirSync(folder)) rmSync(path.join(folder, left), { recursive: true, force: true })
  return folder
}

const unwritable: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOENT'])
