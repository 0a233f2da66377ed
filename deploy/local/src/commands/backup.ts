// `reins backup` and `reins restore`: where the streams are, and whose data folder it is.
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { brokerServers, connectBroker, findSessionStreams } from '@reins/broker'
import { allSessionStreamNames, type BackupManifest, backupUser, inboxOf } from '@reins/contracts'
import { eraseAgain, type ErasedBefore, erasedBefore } from '../backup/erased-again.ts'
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

export interface RestoreSettings extends Pick<BackupOptions, 'say' | 'tell' | 'now'> {
  /** A file that names the sessions which were erased since. */
  readonly erased?: string
  /** None were. */
  readonly noneErased?: boolean
}

/** A backup of streams of which sessions can be erased is not restored before somebody has said which were. */
function erasedSince(manifest: BackupManifest, { erased, noneErased }: RestoreSettings): readonly ErasedBefore[] {
  if (erased !== undefined) return erasedBefore(path.resolve(erased))
  const sessions = manifest.streams.find(({ name }) => allSessionStreamNames.includes(name))
  if (noneErased || sessions === undefined || sessions.config.deny_delete === true) return []
  throw new Error(
    'Sessions that were erased after this backup was made would come back with it. Name them with --erased FILE, the ' +
      'file that reins session list --erased --json has made, or say --none-erased.',
  )
}

/** To a data folder that does not exist, or is empty; with NATS_URL the streams go to that server. */
export async function restore(
  config: LocalConfig,
  folder: string,
  options: RestoreSettings,
): Promise<BackupManifest & { readonly erasedAgain: number }> {
  const from = path.resolve(folder)
  const manifest = readManifest(from)
  const erased = erasedSince(manifest, options)
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
    let again = 0
    const how = { say: options.say, erased, now: options.now.getTime() }
    if (config.natsUrl !== undefined) again = await load(config.natsUrl, from, manifest, { ...how, replicas })
    else {
      const nats = await storeOf(config, path.join(aside, 'nats'), undefined, options.tell)
      try {
        const url = new URL(nats.url)
        url.username = nats.user
        url.password = nats.password
        again = await load(url.toString(), from, manifest, { ...how, replicas: 1 })
      } finally {
        await nats.close()
      }
      rmSync(path.join(aside, 'nats', 'nats.conf'), { force: true })
    }
    rmSync(path.join(aside, unfinished))
    if (existsSync(dataDir)) rmdirSync(dataDir)
    renameSync(aside, dataDir)
    return { ...manifest, erasedAgain: again }
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
  options: Parameters<typeof restoreStreams>[3] & { readonly erased: readonly ErasedBefore[]; readonly now: number },
): Promise<number> {
  const broker = await connectBroker({ url: natsUrl, name: 'reins restore' })
  try {
    await restoreStreams(broker, from, manifest, options)
    const { erased, now } = options
    return erased.length === 0
      ? 0
      : await eraseAgain(broker, await findSessionStreams(broker), erased, { now, random: Math.random })
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
