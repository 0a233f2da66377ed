// The thread in which databases of the provider sqlite are read and written: SQLite answers when the disk has, and the memory service has
// timers and webhooks to see to meanwhile.
//   SW2. Reading makes no file: one that is not there is read as one without entries.
//   SW1. One question at a time: nothing comes between the reading and the writing of a change.
import { parentPort, workerData } from 'node:worker_threads'
import type { ErrorCode } from '@reins/contracts'
import type { FromSqlite, SqliteWorkerData, ToSqlite } from './messages.ts'
import { liesThere, mustHaveRoom, NotHere, placeOf, SqliteFile } from './sqlite-file.ts'

const { folder } = workerData as SqliteWorkerData
const mostOpen = 32
const open = new Map<string, SqliteFile>()
/** SW2 */
const nowhere = new SqliteFile()
let asking: Promise<void> = Promise.resolve()

parentPort?.on('message', (message: ToSqlite) => {
  asking = asking.then(() => answer(message)) // SW1
})

async function answer({ id, file, question, values }: ToSqlite): Promise<void> {
  const say = (message: FromSqlite): void => parentPort?.postMessage(message)
  try {
    const asked = question !== 'apply' && !open.has(file) && !liesThere(folder, file) ? nowhere : opened(file) // SW2
    const method = asked[question] as (...given: readonly unknown[]) => unknown
    say({ id, kind: 'answer', value: await method.apply(asked, [...values]) })
  } catch (error) {
    say({ id, kind: 'failed', ...told(file, error) })
  }
}

/** The latest that was asked stands last. */
function opened(file: string): SqliteFile {
  if (!open.has(file) && !liesThere(folder, file)) mustHaveRoom(folder, file)
  const known = open.get(file) ?? new SqliteFile(placeOf(folder, file))
  open.delete(file)
  open.set(file, known)
  const [oldest] = open
  if (open.size > mostOpen && oldest) {
    open.delete(oldest[0])
    oldest[1].close()
  }
  return known
}

/** By the result code of SQLite. Its own words name no path, but an error of the file system does. */
const kinds: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  5: ['unavailable', 'is in use by another process'],
  6: ['unavailable', 'is in use by another process'],
  8: ['memory_unusable', 'is read-only'],
  11: ['memory_unusable', 'is damaged'],
  13: ['storage_full', 'cannot be written: the disk is full'],
  26: ['memory_unusable', 'is no database of SQLite'],
}

function told(file: string, error: unknown): { readonly code: ErrorCode; readonly why: string } {
  if (error instanceof NotHere) return { code: 'memory_unusable', why: error.message }
  const number = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
  const noSpace = error instanceof Error && 'code' in error && error.code === 'ENOSPC'
  const [code, why] = kinds[noSpace ? 13 : number] ?? ['memory_unusable', 'cannot be read or written']
  return { code, why: `The memory file "${file}" ${why}.` }
}
