// The file of a log, opened by its folder's handle and without following a link: the folder may be somebody else's, and this process root's,
// who would then write into a file of the machine.
//   LF1. A link in its place, or a second name of a file elsewhere, is refused when the log is opened, and left alone when it is put aside.
//   LF2. What cannot be opened for another reason is written nowhere: a log stops nobody.
import { closeSync, constants, existsSync, fstatSync, mkdirSync, openSync, renameSync } from 'node:fs'
import { devNull } from 'node:os'
import path from 'node:path'

const { O_APPEND, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

export interface LogFile {
  /** For appending; whoever gets it closes it. Throws LF1. */
  open(): number
  /** false: it could not be. */
  rename(from: string, to: string): boolean
  readonly name: string
}

export function logFile(file: string): LogFile {
  const [folder, name] = [path.dirname(file), path.basename(file)]
  const at = addressOf(folder)
  return {
    name,
    open() {
      try {
        return checked(
          openSync(path.join(at, name), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600),
          file,
        )
      } catch (error) {
        if (error instanceof LinkedLog) throw error
        if (codeOf(error) === 'ELOOP') throw new LinkedLog(`${file} is a symbolic link`)
        return openSync(devNull, 'a')
      }
    },
    rename(from, to) {
      try {
        renameSync(path.join(at, from), path.join(at, to))
        return true
      } catch {
        return false
      }
    },
  }
}

/** The handle stays open for as long as the process lives, as its log does. */
function addressOf(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const handles = existsSync('/proc/self/fd')
    const fd = openSync(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    if (handles) return `/proc/self/fd/${fd}`
    closeSync(fd)
    return folder
  } catch (error) {
    if (codeOf(error) === 'ELOOP') throw new LinkedLog(`${folder} is a symbolic link`)
    // O_DIRECTORY wins over O_NOFOLLOW on some systems: a link is no folder then.
    if (codeOf(error) === 'ENOTDIR' && existsSync(folder)) throw new LinkedLog(`${folder} is a link, or no folder`)
    return folder
  }
}

function checked(fd: number, file: string): number {
  const stat = fstatSync(fd)
  if (!stat.isFIFO() && !(stat.isFile() && stat.nlink > 1)) return fd
  closeSync(fd)
  throw new LinkedLog(`${file} has a second name, or is no file`)
}

class LinkedLog extends Error {
  constructor(what: string) {
    super(`${what}, and Reins follows none for its logs. Remove it, and start again.`)
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)
