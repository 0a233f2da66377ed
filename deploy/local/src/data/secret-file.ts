// A secret that is made once and kept in a file of its owner (mode 600).
//   S1. Two processes that make it at once end with the same one: it is written aside, then linked; the first link wins.
//   S2. A file that others may read is closed again when it is read.
import { randomBytes, randomUUID } from 'node:crypto'
import { linkSync, lstatSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { readOwnFile } from './own-file.ts'

/** Reads the secret in `file`, or makes one of 32 random bytes (base64url) behind `prefix`. Throws when it is not of that form. */
export function secretFile(file: string, prefix = '', random: (size: number) => Buffer = randomBytes): string {
  const draft = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID()}`)
  try {
    lstatSync(file)
  } catch {
    writeFileSync(draft, `${prefix}${random(32).toString('base64url')}\n`, { mode: 0o600, flush: true })
    try {
      linkSync(draft, file)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    } finally {
      rmSync(draft, { force: true })
    }
  }
  const secret = readOwnFile(file).trim()
  if (!secret.startsWith(prefix) || !/^[\w-]{43}$/.test(secret.slice(prefix.length))) {
    throw new Error(
      `${file} does not hold what Reins wrote there: somebody changed it. Delete it, and the next start makes a new one.`,
    )
  }
  return secret
}
