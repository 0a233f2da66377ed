// Files of the data folder, read and written without following a link in their place: the folder may be somebody else's, and this process
// root's, who would then read, change or give away a file of the machine.
//   OF1. What is read is opened without following a link, and what is told of it is told of what was opened.
//   OF2. Where a folder is another user's and this process is not root's, its files are given to it: in a container they may be links, and
//        not its own to close. Then it can do no more than that user let it.
//   OF3. What is written is a new file: one with that name, or a link, goes first.
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY, O_APPEND, O_CREAT } = constants

/** A text that is its owner's alone; it is closed to others where it was not. Throws where it is a link, or not there. */
export function readOwnFile(file: string): string {
  const given = isGiven(file)
  const fd = given ? openSync(file, O_RDONLY | O_NONBLOCK) : opened(file, O_RDONLY)
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw new Error(`${file} is no file. Remove it, and start again.`)
    if (!given && (stat.mode & 0o077) !== 0) closed(fd)
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

/** OF2. */
const isGiven = (file: string): boolean =>
  process.geteuid?.() !== 0 && statSync(path.dirname(file)).uid !== process.geteuid?.()

/** A file that is mounted into a container may be for reading only. */
function closed(fd: number): void {
  try {
    fchmodSync(fd, 0o600)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EPERM' || error.code === 'EROFS'))) throw error
  }
}

/** OF3. */
export function writeOwnFile(file: string, text: string, mode = 0o600): void {
  rmSync(file, { force: true })
  writeFileSync(file, text, { mode, flag: 'wx' })
}

/** A descriptor for appending, which the caller closes. Throws where it is a link. */
export const appendOwnFile = (file: string): number => opened(file, O_WRONLY | O_APPEND | O_CREAT)

function opened(file: string, flags: number): number {
  try {
    return openSync(file, flags | O_NOFOLLOW | O_NONBLOCK, 0o600)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ELOOP')
      throw new Error(
        `${file} is a symbolic link, and Reins follows none in its data folder. Remove it, and start again.`,
      )
    throw error
  }
}
