// A file's new content, whole or not at all: a temporary file in the same folder, synced, renamed over the old one.
// A reader, a crash or a full disk sees the old content or the new, never a part. Mode and, where this process may, owner stay, but for
// the bits that let a program act as somebody else: new content is another program.
import { randomUUID } from 'node:crypto'
import { closeSync, constants, fchmodSync, fchownSync, fsync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { entryAddress, type Found } from './workspace.ts'

// The one call here that can take long: others go on meanwhile.
const synced = promisify(fsync)

/** Without setuid, setgid and the sticky bit. */
const keptModes = 0o777n

/**
 * Writes to the place that `found` holds, which must stay open until this is done. A link on the way was followed already, so
 * a link that is there by now is replaced, not followed.
 */
export async function writeAtomically(found: Found, content: Uint8Array): Promise<void> {
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
        fchmodSync(fd, Number(before.mode & keptModes))
      }
      await synced(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, before === undefined ? `${folder}/${found.name}` : entryAddress(found.parent, found.name))
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  await syncFolder(folder)
}

function keepOwner(fd: number, before: { uid: bigint; gid: bigint }): void {
  try {
    fchownSync(fd, Number(before.uid), Number(before.gid))
  } catch {
    // Only root may give a file away; the new one then belongs to this process's user, as after any editor.
  }
}

/** The rename itself survives a power cut. Best effort: not every file system can. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      await synced(fd)
    } finally {
      closeSync(fd)
    }
  } catch {
    // Nothing to do about it.
  }
}
