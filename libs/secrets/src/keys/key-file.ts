// The file that holds the keyring, for its owner only: one key a line, the current one first.
//   KF1. A reader meets the old keyring or the new one, never a half: it is written aside, synced, and renamed.
//   KF2. Two first starts at once agree on one key.
//   KF3. A file that others may read is closed again when it is read.
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import type { RandomBytes } from './envelope.ts'
import { type Keyring, keyringText, makeKey, parseKeyring } from './keyring.ts'

/** Where the keyring lies. */
export interface KeyStore {
  /** As it is now. Throws an Error that says what is wrong with it and what to do, and shows no key. */
  read(): Keyring
  /** undefined: it is given by the environment, and only whoever starts the process can change it. */
  readonly write: ((keyring: Keyring) => void) | undefined
  /** For people: the file's path, or the variable. */
  readonly where: string
}

/**
 * Makes the file with a new key where there is none. `followsLinks`: a file that somebody names may be a link, as in mounted secrets; one in a
 * data folder may not.
 */
export function keyFile(
  file: string,
  random: RandomBytes,
  { followsLinks = true }: { readonly followsLinks?: boolean } = {},
): KeyStore {
  return {
    where: file,
    read() {
      makeFirst(file, random)
      try {
        return parseKeyring(readClosed(file, followsLinks))
      } catch (error) {
        throw new Error(
          `The key file of the secrets, ${file}, cannot be used: ${messageOf(error)}. ` +
            'Put the file back as it was. Without its key nobody can read the secrets: if it is lost, remove the file and set them anew.',
        )
      }
    },
    write(keyring) {
      const draft = draftOf(file)
      try {
        writeFileSync(draft, keyringText(keyring), { mode: 0o600, flush: true })
        renameSync(draft, file)
        syncFolder(path.dirname(file))
      } finally {
        rmSync(draft, { force: true })
      }
    },
  }
}

/** KF3, of the file that was opened. */
function readClosed(file: string, followsLinks: boolean): string {
  const handle = openSync(file, constants.O_RDONLY | (followsLinks ? 0 : constants.O_NOFOLLOW))
  try {
    if ((fstatSync(handle).mode & 0o077) !== 0) fchmodSync(handle, 0o600)
    return readFileSync(handle, 'utf8')
  } finally {
    closeSync(handle)
  }
}

/** A keyring that the environment gives. Throws where the text is none. */
export function givenKeys(text: string, where: string): KeyStore {
  const keyring = parseKeyring(text)
  return { where, read: () => keyring, write: undefined }
}

/** KF2. */
function makeFirst(file: string, random: RandomBytes): void {
  if (statSync(file, { throwIfNoEntry: false })) return
  const draft = draftOf(file)
  try {
    writeFileSync(draft, keyringText({ current: makeKey(random(32)), older: [] }), { mode: 0o600, flush: true })
    linkSync(draft, file)
    syncFolder(path.dirname(file))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

const draftOf = (file: string): string => path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID()}`)

/** So that the rename outlives the machine. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
