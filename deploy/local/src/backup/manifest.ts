// What a backup consists of: a folder with one file for each stream, the files of the data folder that cannot be made again, and this list of
// them. Postgres is not in it: all that stands there is made again from the streams.
//   M1. The list is written last. A folder without it is no backup, whatever else lies there.
//   M2. What is read back is held against the list (size and SHA-256) before anything is made of it.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import path from 'node:path'
import { BackupManifest, backupFormat, formOf } from '@reins/contracts'

export const manifestFile = 'backup.json'

const isManifest = formOf(BackupManifest)

/** Throws an Error that says what is wrong with the folder. */
export function readManifest(folder: string): BackupManifest {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path.join(folder, manifestFile), 'utf8'))
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw new Error(
      `${folder} is no backup of Reins: ${missing ? `there is no ${manifestFile} in it` : `its ${manifestFile} cannot be read`}. ` +
        'Name the folder that reins backup has made.',
    )
  }
  const { format } = (value ?? {}) as { readonly format?: unknown }
  if (typeof format === 'number' && format > backupFormat)
    throw new Error(`${folder} was made by a newer Reins (format ${format}). Restore it with that version.`)
  if (!isManifest(value)) throw new Error(`The ${manifestFile} in ${folder} is damaged. Restore another backup.`)
  return value
}

/** M2. Throws an Error that names the file which is missing or is another one. */
export async function checkFiles(folder: string, { streams, keys }: BackupManifest): Promise<void> {
  for (const one of [...streams, ...keys]) {
    const file = path.join(folder, one.file)
    const size = await stat(file).then(
      (found) => found.size,
      () => undefined,
    )
    if (size === undefined) throw damaged(file, 'it is missing')
    if (size !== one.bytes) throw damaged(file, `it has ${size} bytes and had ${one.bytes}`)
    if ((await digestOf(file)) !== one.sha256) throw damaged(file, 'its content is not what was saved')
  }
}

const damaged = (file: string, why: string): Error =>
  new Error(`The backup is damaged: ${file}: ${why}. Nothing was restored. Restore another backup.`)

export async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of piecesOf(file)) hash.update(piece)
  return hash.digest('hex')
}

/** The file from its beginning, a piece at a time; a piece is good until the next is asked for. */
export async function* piecesOf(file: string, pieceBytes = 128 * 1024): AsyncGenerator<Uint8Array> {
  const from = await open(file)
  try {
    const buffer = Buffer.allocUnsafe(pieceBytes)
    for (;;) {
      const { bytesRead } = await from.read(buffer, 0, pieceBytes)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await from.close()
  }
}
