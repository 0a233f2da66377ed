// Restate as npm has it, in a folder of the user's cache. It is no dependency of Reins: its server is under the Business Source License,
// and only who asks for `--beside restate` downloads it.
//   I1. The versions are exact, and a part of the folder's name. The folder appears whole or not at all.
//   I2. No script of a package runs.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'

export const restateVersions = { server: '1.7.12', sdk: '1.17.2' } as const

const withinMs = 240_000
const run = promisify(execFile)

export interface InstalledRestate {
  /** The program. */
  readonly server: string
  /** A folder from which the SDK can be required. */
  readonly folder: string
}

/** Throws an Error that says what is missing. `cache`: the folder in which Reins keeps what it downloads. */
export async function installRestate(cache: string, say: (line: string) => void): Promise<InstalledRestate> {
  const { server, sdk } = restateVersions
  const folder = path.join(cache, `restate-server-${server}-sdk-${sdk}`)
  const program = path.join(
    folder,
    'node_modules',
    `@restatedev/restate-server-${process.platform}-${process.arch}`,
    'bin/restate-server',
  )
  if (!existsSync(folder)) {
    say(`installing restate-server ${server} (Business Source License) and restate-sdk ${sdk} into ${folder}`)
    mkdirSync(cache, { recursive: true })
    const coming = mkdtempSync(path.join(cache, 'restate-coming-'))
    try {
      writeFileSync(path.join(coming, 'package.json'), '{ "private": true }\n')
      const wanted = [`@restatedev/restate-server@${server}`, `@restatedev/restate-sdk@${sdk}`]
      const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
      await run('npm', ['install', '--save-exact', ...quiet, ...wanted], { cwd: coming, timeout: withinMs })
      renameSync(coming, folder) // I1
    } catch (error) {
      rmSync(coming, { recursive: true, force: true })
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(`Restate could not be installed: ${why}\nnpm must reach a registry that has these versions.`)
    }
  }
  if (!existsSync(program))
    throw new Error(`Restate has no server for ${process.platform} ${process.arch}: ${program} does not exist.`)
  return { server: program, folder }
}
