// One process at a time, by a file that names its holder.
//   FL1. The lock of a process that is gone is taken away from it: by its number, on this machine.
//   FL2. Whoever takes a lock away moves it aside first, and looks whose it was: two that do so at once cannot both go on.
import { randomUUID } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { CommandFailure } from '../failure.ts'

const lookEveryMs = 50
/** Longer than a request to the provider takes at most. */
const patienceMs = 60_000

/** Rejects where another process holds it all the time. */
export async function holdingLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const mine = `${process.pid} ${randomUUID()}`
  for (let waited = 0; !(await taken(file, mine)); waited += lookEveryMs) {
    if (waited > patienceMs)
      throw new CommandFailure(`Another process has held ${file} for a minute.`, {
        next: 'Run the command again. If no reins runs, remove the file.',
      })
    await wait(lookEveryMs)
  }
  try {
    return await work()
  } finally {
    if ((await holderOf(file)) === mine) await rm(file, { force: true })
  }
}

async function taken(file: string, mine: string): Promise<boolean> {
  try {
    await writeFile(file, mine, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  const holder = await holderOf(file)
  // Empty: it is just being written.
  if (holder !== undefined && holder !== '' && !lives(Number(holder.split(' ')[0]))) await takenAway(file, holder)
  return false
}

const holderOf = (file: string): Promise<string | undefined> => readFile(file, 'utf8').catch(() => undefined)

/** FL2 */
async function takenAway(file: string, holder: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`
  try {
    await rename(file, aside)
  } catch {
    return
  }
  if ((await holderOf(aside)) === holder) await rm(aside, { force: true })
  else await rename(aside, file).catch(() => undefined)
}

function lives(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
