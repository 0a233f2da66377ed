// What people signed in with, a file for each server, which its owner alone can read.
//   CF1. A file is replaced as a whole: written beside, with its mode, and renamed.
//   CF2. A file that others may read, or that belongs to somebody else, is not used.
//   CF3. Refreshing is done by one process at a time: a provider that replaces refresh tokens takes each of them once.
import { createHash, randomUUID } from 'node:crypto'
import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { CommandFailure } from '../failure.ts'
import { holdingLock } from './file-lock.ts'
import type { Credentials, SignedIn } from './ports.ts'

/** `folder`: made when it is needed. */
export function credentialFiles(folder: string): Credentials {
  const fileOf = (server: string): string => {
    const { origin, hostname } = new URL(server)
    const hash = createHash('sha256').update(origin).digest('hex').slice(0, 12)
    return path.join(folder, `${hostname.replaceAll(/[^\w.-]/g, '')}-${hash}.json`)
  }
  const prepared = async (): Promise<void> => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await chmod(folder, 0o700)
  }
  return {
    async read(server) {
      const file = fileOf(server)
      const text = await textOf(file)
      return text === undefined ? undefined : parsed(text, file)
    },
    async write(signedIn) {
      await prepared()
      const file = fileOf(signedIn.server)
      const beside = `${file}.${randomUUID()}`
      try {
        const handle = await open(beside, 'wx', 0o600) // CF1
        try {
          await handle.writeFile(`${JSON.stringify(signedIn, null, 2)}\n`)
          await handle.sync()
        } finally {
          await handle.close()
        }
        await rename(beside, file)
      } catch (error) {
        await rm(beside, { force: true })
        throw error
      }
    },
    async remove(server) {
      const file = fileOf(server)
      const there = await stat(file).then(
        () => true,
        () => false,
      )
      await rm(file, { force: true })
      return there
    },
    async alone(server, work) {
      await prepared()
      return holdingLock(`${fileOf(server)}.lock`, work) // CF3
    },
  }
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    const { mode, uid } = await stat(file)
    const mine = process.getuid === undefined || uid === process.getuid()
    if (!mine || (process.platform !== 'win32' && (mode & 0o077) !== 0)) throw openToOthers(file) // CF2
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

const openToOthers = (file: string): CommandFailure =>
  new CommandFailure(`Other users of this machine may have read your sign-in: ${file} is not yours alone.`, {
    next: 'Remove the file, and sign in again: reins auth login',
  })

function parsed(text: string, file: string): SignedIn {
  try {
    const value = JSON.parse(text) as SignedIn
    if (typeof value.accessToken === 'string' && typeof value.provider.issuer === 'string') return value
  } catch {
    // It is told below.
  }
  throw new CommandFailure(`${file} is damaged.`, { next: 'Remove it, and sign in again: reins auth login' })
}
