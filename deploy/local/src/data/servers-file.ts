// Where the servers of a running `reins up` are, for services that join it as processes of their own. Mode 600: it holds passwords.
import { renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { ServiceName } from '@reins/contracts'
import { readOwnFile, writeOwnFile } from './own-file.ts'

export interface ServersFile {
  /** Without credentials. */
  readonly natsUrl: string
  /** NATS_URL named it: it is no server of the data folder. Absent: an older version wrote this. */
  readonly named?: boolean
  readonly users: Readonly<Partial<Record<ServiceName, { readonly user: string; readonly password: string }>>>
  readonly databaseUrls: Readonly<Partial<Record<ServiceName, string>>>
  readonly replicas: 1 | 3
}

const fileOf = (dataDir: string): string => path.join(dataDir, 'servers.json')

export function writeServers(dataDir: string, servers: ServersFile): void {
  const file = fileOf(dataDir)
  writeOwnFile(`${file}.new`, JSON.stringify(servers))
  renameSync(`${file}.new`, file)
}

export function readServers(dataDir: string): ServersFile | undefined {
  try {
    return JSON.parse(readOwnFile(fileOf(dataDir))) as ServersFile
  } catch {
    return undefined
  }
}

export const removeServers = (dataDir: string): void => rmSync(fileOf(dataDir), { force: true })
