// Restate as npm has it. Its server is under the Business Source License.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { install } from './install.ts'

export const restateVersions = { server: '1.7.12', sdk: '1.17.2' } as const

export interface InstalledRestate {
  /** The program. */
  readonly server: string
  /** A folder from which the SDK can be required. */
  readonly folder: string
}

/** Throws an Error that says what is missing. `cache`: the folder in which Reins keeps what it downloads. */
export async function installRestate(cache: string, say: (line: string) => void): Promise<InstalledRestate> {
  const { server, sdk } = restateVersions
  const packages = [`@restatedev/restate-server@${server}`, `@restatedev/restate-sdk@${sdk}`]
  const folder = await install(
    { name: 'Restate', packages, folder: `restate-server-${server}-sdk-${sdk}` },
    cache,
    (line) => say(`${line} (the server is under the Business Source License)`),
  )
  const program = path.join(
    folder,
    'node_modules',
    `@restatedev/restate-server-${process.platform}-${process.arch}`,
    'bin/restate-server',
  )
  if (!existsSync(program))
    throw new Error(`Restate has no server for ${process.platform} ${process.arch}: ${program} does not exist.`)
  return { server: program, folder }
}
