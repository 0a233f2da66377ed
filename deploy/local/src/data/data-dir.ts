// The data folder: everything that one machine's Reins keeps. One process owns it at a time.
//   D1. Mode 700: the sessions, the admin token and the servers' passwords are inside.
//   D2. A folder with other things in it is refused, not adopted: opening it would close it to its owner's group.
//   D4. Root opens no folder of another user in which links lie: who owns it could lead root to any file of the machine.
//   D3. `version` names the format; a newer one is refused, since an older Reins would misread it.
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { currentOwner, isLockFile, type Owner, takeOwnership } from './owner-lock.ts'
import { secretFile } from './secret-file.ts'

const FORMAT = 1
const LOCK = 'owner'

export interface DataDir {
  /** Absolute, symlinks resolved: what a sandbox has to mask. */
  readonly path: string
  /** Names the URL to whoever starts a second time on this folder. */
  announce(url: string): void
  release(): void
}

export class DataDirError extends Error {
  readonly code: 'in-use' | 'unusable' | 'newer-format' | 'foreign'
  readonly owner: Owner | undefined
  constructor(code: DataDirError['code'], message: string, owner?: Owner) {
    super(message)
    this.name = 'DataDirError'
    this.code = code
    this.owner = owner
  }
}

/** Makes the folder where it is missing and takes it. Throws DataDirError. The caller releases it, after its servers have stopped. */
export function openDataDir(folder: string): DataDir {
  const real = prepare(folder)
  const taken = takeOwnership(real, LOCK)
  if (taken.kind === 'taken') throw inUse(real, taken.by)
  try {
    stampVersion(real)
  } catch (error) {
    taken.lock.release()
    throw error
  }
  return { path: real, announce: taken.lock.announce, release: taken.lock.release }
}

/** The token of the operator: made at the first call, the same ever after. `dir` is an opened data folder. */
export function adminToken(dir: string, random?: (size: number) => Buffer): string {
  return secretFile(path.join(dir, 'admin.token'), 'reins_admin_', random)
}

/** What of a token is kept elsewhere. */
export const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex')

/** Who uses the folder now; undefined when nobody does, or when it cannot be read. Changes nothing. */
export function dataDirOwner(folder: string): Owner | undefined {
  try {
    return currentOwner(realpathSync(folder), LOCK)
  } catch {
    return undefined
  }
}

function prepare(folder: string): string {
  try {
    makeFolder(path.resolve(folder))
    const real = realpathSync(folder)
    // A volume of its own begins with lost+found.
    const foreign = readdirSync(real).filter(
      (entry) => !isLockFile(entry, LOCK) && !entry.startsWith('.version.') && entry !== 'lost+found',
    )
    if (foreign.length > 0 && !foreign.includes('version')) {
      throw new DataDirError(
        'foreign',
        `${real} is not a Reins data folder: it holds ${foreign.slice(0, 3).join(', ')}${foreign.length > 3 ? ', …' : ''}. ` +
          'Choose an empty or new folder with --data-dir or REINS_DATA_DIR.',
      )
    }
    if ((statSync(real).mode & 0o777) !== 0o700) chmodSync(real, 0o700)
    if (process.getuid?.() === 0 && statSync(real).uid !== 0) refuseLinks(real)
    return real
  } catch (error) {
    if (error instanceof DataDirError) throw error
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'EEXIST' || code === 'ENOTDIR')
      throw new DataDirError(
        'unusable',
        `${path.resolve(folder)} cannot be the data folder: there is a file in its place, or in that of a folder above it. ` +
          'Choose another folder with --data-dir or REINS_DATA_DIR.',
      )
    throw new DataDirError(
      'unusable',
      `The data folder ${path.resolve(folder)} cannot be used: ${error instanceof Error ? error.message : String(error)}. ` +
        'Give the user who runs Reins the right to write there, or choose another folder with --data-dir or REINS_DATA_DIR.',
    )
  }
}

/** D4. Throws DataDirError. */
function refuseLinks(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isSymbolicLink()) continue
    const link = path.join(entry.parentPath, entry.name)
    throw new DataDirError(
      'unusable',
      `${link} is a symbolic link in the data folder of another user, and Reins, which was started as root, would follow it. ` +
        'Remove it, or start Reins as the user to whom the folder belongs.',
    )
  }
}

/** With what is missing above it. mkdir with `recursive` never ends where a system answers that a parent which exists is missing (/proc). */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return
    const parent = path.dirname(folder)
    if (code !== 'ENOENT' || parent === folder || existsSync(parent)) throw error
    makeFolder(parent)
    mkdirSync(folder, { mode: 0o700 })
  }
}

function stampVersion(real: string): void {
  const file = path.join(real, 'version')
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch {
    const draft = path.join(real, `.version.${process.pid}`)
    writeFileSync(draft, `${FORMAT}\n`, { mode: 0o600, flush: true })
    renameSync(draft, file)
    return
  }
  if (!/^\d+$/.test(text)) {
    throw new DataDirError(
      'unusable',
      `${file} holds ${JSON.stringify(text.slice(0, 40))}, not a format number. If ${real} is a Reins data folder, write ${FORMAT} into that file; else choose another folder with --data-dir or REINS_DATA_DIR.`,
    )
  }
  if (Number(text) > FORMAT) {
    throw new DataDirError(
      'newer-format',
      `${real} was written by a newer Reins (format ${text}; this one reads up to ${FORMAT}). ` +
        'Update Reins, or choose another folder with --data-dir or REINS_DATA_DIR.',
    )
  }
}

function inUse(real: string, owner: Owner): DataDirError {
  const at = owner.note === undefined ? '' : `, at ${owner.note}`
  return new DataDirError(
    'in-use',
    `${real} is in use by another Reins: process ${owner.pid}, running since ${owner.since}${at}. ` +
      `Use that one, stop it (kill ${owner.pid}), or choose another folder with --data-dir or REINS_DATA_DIR.`,
    owner,
  )
}
