// A file's new content, whole or not at all: a temporary file in the same folder, synced, renamed over the old one.
// A reader, a crash or a full disk sees the old content or the new, never a part. Mode and, where this process may, owner stay.
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import type { Found } from './workspace.ts'

/** Writes to the place that `found` holds; a link on the way was followed already, so a link there now is replaced, not followed. */
export function writeAtomically(found: Found, content: Uint8Array): void {
  const folder = found.parent.address
  const temporary = `${folder}/.reins-${randomUUID()}.tmp`
  const before = found.kind === 'missing' ? undefined : found.node.stat
  const fd = openSync(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o666,
  )
  try {
    try {
      for (let at = 0; at < content.length; ) at += writeSync(fd, content, at)
      if (before !== undefined) {
        keepOwner(fd, before)
        fchmodSync(fd, Number(before.mode & 0o7777n))
      }
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, `${folder}/${found.name}`)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  syncFolder(folder)
}

function keepOwner(fd: number, before: { uid: bigint; gid: bigint }): void {
  try {
    fchownSync(fd, Number(before.uid), Number(before.gid))
  } catch {
    // Only root may give a file away; the new one then belongs to this process's user, as after any editor.
  }
}

/** The rename itself survives a power cut. Best effort: not every file system can. */
function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch {
    // Nothing to do about it.
  }
}
