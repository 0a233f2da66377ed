// `reins backup` and `reins restore`: where the streams are, and whose data folder it is.
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { brokerServers, connectBroker } from '@reins/broker'
import { type BackupManifest, backupUser, inboxOf } from '@reins/contracts'
import { type BackupProgress, makeBackup } from '../backup/make-backup.ts'
import { checkFiles, readManifest } from '../backup/manifest.ts'
import { restoreKeys, restoreStreams } from '../backup/restore-backup.ts'
import type { LocalConfig } from '../config.ts'
import { dataDirOwner, openDataDir } from '../data/data-dir.ts'
import { readServers } from '../data/servers-file.ts'
import { findNatsServer } from '../nats/find-nats.ts'
import { type RunningNats, startNats } from '../nats/nats-process.ts'
import { natsUsers } from '../nats/nats-users.ts'

export interface BackupOptions {
  readonly version: string
  readonly now: Date
  readonly say: (step: BackupProgress) => void
  /** For people. */
  readonly tell: (line: string) => void
}

const maxPayloadBytes = 8 * 1024 * 1024

/** Of the product that runs on the data folder, or of the folder where none does, or of the server that NATS_URL names. */
export async function backup(config: LocalConfig, folder: string, options: BackupOptions): Promise<BackupManifest> {
  const to = path.resolve(folder)
  const { dataDir } = config
  if (isInside(to, dataDir)) throw new Error(`${to} lies in the data folder. Name a folder outside of ${dataDir}.`)
  const save = async (natsUrl: string, user: string | undefined): Promise<BackupManifest> => {
    const broker = await connectBroker({ url: natsUrl, name: 'reins backup' })
    try {
      const source = {
        ...{ broker, inboxPrefix: inboxOf(user ?? userOf(natsUrl)).own },
        dataDir: existsSync(dataDir) ? dataDir : undefined,
      }
      return await makeBackup(source, to, options)
    } finally {
      await broker.close()
    }
  }
  if (config.natsUrl !== undefined) return save(config.natsUrl, undefined)
  if (!existsSync(path.join(dataDir, 'version')))
    throw new Error(`${dataDir} is no data folder of Reins. Name one with --data-dir, or set NATS_URL.`)
  const running = dataDirOwner(dataDir) && readServers(dataDir)
  if (running) return save(withUser(running.natsUrl, dataDir), backupUser)
  const owned = openDataDir(dataDir)
  try {
    const nats = await storeOf(config, path.join(owned.path, 'nats'), natsUsers(owned.path), options.tell)
    try {
      return await save(withUser(nats.url, owned.path), backupUser)
    } finally {
      await nats.close()
    }
  } finally {
    owned.release()
  }
}

/** To a data folder that does not exist, or is empty; with NATS_URL the streams go to that server. */
export async function restore(
  config: LocalConfig,
  folder: string,
  options: Pick<BackupOptions, 'say' | 'tell'>,
): Promise<BackupManifest> {
  const from = path.resolve(folder)
  const manifest = readManifest(from)
  const { dataDir, replicas } = config
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0)
    throw new Error(
      `${dataDir} is not empty, and a backup is never restored over something. ` +
        'Move it away, or name another folder with --data-dir.',
    )
  await checkFiles(from, manifest)
  const aside = `${dataDir}.unfinished`
  clearAside(aside)
  mkdirSync(aside, { recursive: true, mode: 0o700 })
  writeFileSync(path.join(aside, unfinished), '')
  try {
    restoreKeys(from, manifest, aside)
    if (config.natsUrl !== undefined) await load(config.natsUrl, from, manifest, { replicas, say: options.say })
    else {
      const nats = await storeOf(config, path.join(aside, 'nats'), undefined, options.tell)
      try {
        const url = new URL(nats.url)
        url.username = nats.user
        url.password = nats.password
        await load(url.toString(), from, manifest, { replicas: 1, say: options.say })
      } finally {
        await nats.close()
      }
      rmSync(path.join(aside, 'nats', 'nats.conf'), { force: true })
    }
    rmSync(path.join(aside, unfinished))
    if (existsSync(dataDir)) rmdirSync(dataDir)
    renameSync(aside, dataDir)
    return manifest
  } catch (error) {
    rmSync(aside, { recursive: true, force: true })
    throw error
  }
}

/** Marks a folder that an earlier restore left behind. */
const unfinished = 'restore.unfinished'

function clearAside(aside: string): void {
  if (!existsSync(aside)) return
  if (!existsSync(path.join(aside, unfinished)))
    throw new Error(`${aside} is in the way: a backup is restored there first. Move it away.`)
  rmSync(aside, { recursive: true, force: true })
}

async function load(
  natsUrl: string,
  from: string,
  manifest: BackupManifest,
  options: Parameters<typeof restoreStreams>[3],
): Promise<void> {
  const broker = await connectBroker({ url: natsUrl, name: 'reins restore' })
  try {
    await restoreStreams(broker, from, manifest, options)
  } finally {
    await broker.close()
  }
}

async function storeOf(
  config: LocalConfig,
  dataDir: string,
  users: ReturnType<typeof natsUsers> | undefined,
  tell: (line: string) => void,
): Promise<RunningNats> {
  const { cacheDir, searchPath, natsServer, durability } = config
  const explicit = natsServer === undefined ? {} : { explicit: natsServer }
  const { path: binary } = await findNatsServer({ cacheDir, searchPath, ...explicit, log: tell })
  return startNats({ binary, dataDir, durability, maxPayloadBytes, ...(users === undefined ? {} : { users }) })
}

function withUser(natsUrl: string, dataDir: string): string {
  const url = new URL(natsUrl)
  url.username = backupUser
  url.password = natsUsers(dataDir).find(({ user }) => user === backupUser)?.password ?? ''
  return url.toString().replace(/\/$/, '')
}

const userOf = (natsUrl: string): string => brokerServers(natsUrl).username ?? ''

const isInside = (folder: string, of: string): boolean => {
  const way = path.relative(of, folder)
  return way === '' || (!way.startsWith('..') && !path.isAbsolute(way))
}
