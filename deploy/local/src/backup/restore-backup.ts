// From a backup to streams and a data folder. What is restored is a data folder as it was; the first start makes Postgres anew.
import { chmodSync, copyFileSync } from 'node:fs'
import path from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { type Broker, untilAnswered } from '@reins/broker'
import type { BackupManifest } from '@reins/contracts'
import { allOf, type BackupProgress } from './make-backup.ts'
import { answerMs, clusterWithinMs, loadStream } from './stream-snapshot.ts'

export interface RestoreOptions {
  readonly replicas: 1 | 3
  readonly say: (step: BackupProgress) => void
}

/** The server must hold none of the streams; whoever calls has checked the files. Rejects with what the broker said. */
export async function restoreStreams(
  broker: Broker,
  folder: string,
  { streams }: BackupManifest,
  { replicas, say }: RestoreOptions,
): Promise<void> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: answerMs })
  const there = new Set(await allOf(() => manager.streams.names()))
  const taken = streams.filter(({ name }) => there.has(name))
  if (taken.length > 0)
    throw new Error(
      `This nats-server has ${taken.map(({ name }) => name).join(', ')} already. ` +
        'A backup is restored to a server that holds nothing of Reins.',
    )
  for (const { name, config, state, file, bytes, consumers } of streams) {
    await loadStream(broker, { name, config: { ...config, num_replicas: replicas }, state }, path.join(folder, file))
    for (const { config: consumer, floor } of consumers)
      await untilAnswered(
        () => manager.consumers.add(name, { ...withoutStart(consumer), ...startBehind(floor) }),
        clusterWithinMs,
      )
    say({ stream: name, bytes })
  }
}

const startBehind = (floor: number) =>
  floor > 0
    ? { deliver_policy: 'by_start_sequence' as const, opt_start_seq: floor + 1 }
    : { deliver_policy: 'all' as const }

function withoutStart({
  deliver_policy,
  opt_start_seq,
  opt_start_time,
  num_replicas,
  ...rest
}: Record<string, unknown>) {
  return rest
}

/** Into a folder that exists. */
export function restoreKeys(folder: string, { keys }: BackupManifest, dataDir: string): void {
  for (const { file } of keys) {
    const to = path.join(dataDir, path.basename(file))
    copyFileSync(path.join(folder, file), to)
    chmodSync(to, 0o600)
  }
}
