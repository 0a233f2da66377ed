// Making a backup of a product that runs, or of a data folder that nobody uses.
//   B1. How far each durable had come is noted before the first stream is saved, and new durables are looked for after the last. So what
//       is restored gives out again what was acknowledged in between, and loses nothing: doing a trigger twice changes nothing.
//   B4. How far exports had come is saved before the sessions: what is exported twice has the same ids, and what is left out is missing.
//   B2. Sessions are saved next, then their timers, then everything else: whatever a saved session names was there already.
//   B3. It is made aside and named at its end, with its list of contents written last (M1).
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { copyFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { type Broker, untilAnswered } from '@reins/broker'
import {
  allSessionStreamNames,
  type BackedUpStream,
  type BackupFile,
  type BackupManifest,
  backupFormat,
  bucketStream,
  buckets,
  sessionStreamsOf,
  streams,
} from '@reins/contracts'
import { type Durables, durablesOf } from './durables.ts'
import { digestOf, manifestFile } from './manifest.ts'
import { answerMs, clusterWithinMs, saveStream } from './stream-snapshot.ts'

export interface BackupProgress {
  readonly stream: string
  readonly bytes: number
}

export interface BackupSource {
  readonly broker: Broker
  readonly inboxPrefix: string
  /** undefined: there is none, and the backup has no keys. */
  readonly dataDir: string | undefined
}

/** Answers deltas that are being made, and the canary: both are of the moment. */
const ofTheMoment: readonly string[] = [streams.live, streams.canary]

/** `folder` must not exist. Rejects with an Error in words for people; nothing is left behind then. */
export async function makeBackup(
  { broker, inboxPrefix, dataDir }: BackupSource,
  folder: string,
  { version, now, say }: { readonly version: string; readonly now: Date; readonly say: (step: BackupProgress) => void },
): Promise<BackupManifest> {
  if (existsSync(folder)) throw new Error(`${folder} exists already. Name a folder that does not exist.`)
  const aside = `${folder}.unfinished`
  rmSync(aside, { recursive: true, force: true })
  for (const part of ['', 'streams', 'keys']) mkdirSync(path.join(aside, part), { recursive: true, mode: 0o700 })
  try {
    const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: answerMs })
    const names = (await allOf(() => manager.streams.names())).filter(isKept).sort(inOrder)
    if (names.length === 0) throw new Error('This nats-server holds nothing of Reins.')
    if (isBeingSplit(names))
      throw new Error(
        'The sessions are being split over several streams. Make the backup when "reins streams split" has ended; run it again if it was killed.',
      )
    const before = new Map<string, Durables>()
    for (const name of names) before.set(name, await durablesOf(broker, name)) // B1
    const saved: BackedUpStream[] = []
    for (const name of names) {
      const file = `streams/${name}`
      const { config, state, bytes, sha256 } = await saveStream(broker, name, path.join(aside, file), inboxPrefix)
      saved.push({ name, file, bytes, sha256, config, state, messages: Number(state.messages ?? 0), consumers: [] })
      say({ stream: name, bytes })
    }
    for (const one of saved) {
      const known = before.get(one.name)
      for (const [name, { config }] of await durablesOf(broker, one.name))
        one.consumers.push({ config, floor: known?.get(name)?.floor ?? 0 })
    }
    const manifest: BackupManifest = {
      ...{ format: backupFormat, madeAt: now.toISOString(), version, streams: saved },
      keys: dataDir === undefined ? [] : await copyKeys(dataDir, aside),
    }
    await writeFile(path.join(aside, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`, {
      mode: 0o600,
      flush: true,
    })
    syncFolder(aside)
    renameSync(aside, folder)
    syncFolder(path.dirname(folder))
    return manifest
  } catch (error) {
    rmSync(aside, { recursive: true, force: true })
    throw error
  }
}

/** What a data folder has beside its servers' stores: tokens, passwords and keys, and the number of its format. */
async function copyKeys(dataDir: string, aside: string): Promise<BackupFile[]> {
  const kept: BackupFile[] = []
  for (const name of readdirSync(dataDir).filter(isKey)) {
    const from = path.join(dataDir, name)
    if (!statSync(from).isFile()) continue
    const file = `keys/${name}`
    const to = path.join(aside, file)
    await copyFile(from, to)
    kept.push({ file, bytes: statSync(to).size, sha256: await digestOf(to) })
  }
  return kept
}

const isKey = (name: string): boolean => name === 'version' || /^[a-z-]+\.(token|password|key|pub)$/.test(name)

/** Half of a split cannot be restored. */
const isBeingSplit = (names: readonly string[]): boolean =>
  ([1, 4] as const).every((count) => sessionStreamsOf(count).names.some((name) => names.includes(name)))

const isKept = (stream: string): boolean => !ofTheMoment.includes(stream) && !stream.startsWith('REINS_PROBE_')

/** B2, B4. */
const inOrder = (a: string, b: string): number => rank(a) - rank(b) || a.localeCompare(b)
const rank = (stream: string): number => {
  if (stream === bucketStream(buckets.exports)) return -1
  if (allSessionStreamNames.includes(stream)) return 0
  return stream === streams.timers ? 1 : 2
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Everything of a list of JetStream's API, asked again while nobody answers. */
export const allOf = <T>(list: () => AsyncIterable<T>): Promise<T[]> =>
  untilAnswered(async () => {
    const found: T[] = []
    for await (const one of list()) found.push(one)
    return found
  }, clusterWithinMs)
