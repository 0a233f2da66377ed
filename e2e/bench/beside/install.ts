// What npm has, installed into a folder of the user's cache. None of it is a dependency of Reins: only who asks for `--beside` downloads it.
//   I1. The versions are exact, and a part of the folder's name. The folder appears whole or not at all.
//   I2. No script of a package runs.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'

const withinMs = 300_000
const run = promisify(execFile)

export interface Wanted {
  /** For people. */
  readonly name: string
  /** Each with its exact version: `package@1.2.3`. */
  readonly packages: readonly string[]
  /** Of the folder below the cache; it names the versions. */
  readonly folder: string
}

/** The folder below `cache` that has them in its node_modules. Throws an Error that says what is missing. */
export async function install(
  { name, packages, folder: folderName }: Wanted,
  cache: string,
  say: (line: string) => void,
): Promise<string> {
  const folder = path.join(cache, folderName)
  if (existsSync(folder)) return folder
  say(`installing ${packages.join(' and ')} into ${folder}`)
  mkdirSync(cache, { recursive: true })
  const coming = mkdtempSync(path.join(cache, 'coming-'))
  try {
    writeFileSync(path.join(coming, 'package.json'), '{ "private": true }\n')
    const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'] // I2
    await run('npm', ['install', '--save-exact', ...quiet, ...packages], { cwd: coming, timeout: withinMs })
    renameSync(coming, folder) // I1
  } catch (error) {
    rmSync(coming, { recursive: true, force: true })
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`${name} could not be installed: ${why}\nnpm must reach a registry that has these versions.`)
  }
  return folder
}
