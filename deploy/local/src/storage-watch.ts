// The disk and the appends of one process, watched: what `/ready`, `/health`, the metrics and the log say of them, and what is held back.
//   ST1. Above the budget nothing of this process writes: appends and timers wait in front of the broker, and go on when there is room;
//        snapshots and kept outputs are left out; the registry refuses; the session index stands still.
//   ST2. Everything that is asked here is known already, so no answer waits for a disk or a server.
import type { Broker } from '@reins/broker'
import type { ReinsError } from '@reins/contracts'
import {
  AppendWatch,
  appendCanary,
  type Journal,
  outputsWithRoom,
  type Room,
  snapshotsWithRoom,
  timersWithRoom,
  watchedLog,
} from '@reins/journal'
import type { Closing } from '@reins/service'
import type { Admission } from '@reins/session-gateway'
import type { Log, Metrics } from '@reins/telemetry'
import { admissionOf, fullError, fullForCode, outsideObstacle } from './admission.ts'
import { type DiskLimits, DiskWatch } from './data/disk-budget.ts'
import type { ServerStates } from './servers/server-state.ts'

export interface StorageWatchOptions {
  readonly broker: Broker
  readonly disk: DiskLimits
  /** The folder whose disk is watched; undefined: it is elsewhere. */
  readonly diskOf?: string
  /** Of the embedded servers. */
  readonly servers?: () => ServerStates
  readonly log: Log
  /** Lines of the log that could not be written. */
  readonly logLost?: () => number
  readonly metrics: Metrics
}

export interface StorageWatch {
  readonly admission: Admission
  /** The journal of this process: ST1, and its acknowledged appends are counted. */
  watched(journal: Journal): Journal
  /** undefined: the disk has room. Otherwise resolves when it has. */
  readonly room: Room
  /** Why nothing may be written, for whoever writes without the gateway; undefined: it may. */
  full(): ReinsError | undefined
  /** Why no new code of agents is kept; undefined: it is. */
  fullForCode(): ReinsError | undefined
  /** From now on a canary is appended while nothing else is. Resolves after the first. */
  watchAppends(): Promise<void>
  health(): Record<string, string>
  notReady(): readonly string[]
}

const sampleMs = 1000

/** Ends with `closing`. */
export async function watchStorage(options: StorageWatchOptions, closing: Closing): Promise<StorageWatch> {
  const { broker, diskOf, servers, log, metrics } = options
  const disk = diskOf === undefined ? undefined : await watchDisk(diskOf, options, closing)
  const room: Room = (signal) => disk?.room(signal)
  const diskNow = disk && (() => disk.state())
  let watching = false
  const lost = metrics.gauge('reins_log_lines_lost')
  sampled(closing, () => lost.set(options.logLost?.() ?? 0))
  const seconds = metrics.histogram('reins_append_seconds')
  const appends = new AppendWatch({
    canary: () => appendCanary(broker),
    outside: () => outsideObstacle(diskNow, servers),
    now: () => performance.now(),
    changed: (obstacle) =>
      obstacle
        ? log.error({ cause: obstacle.cause, why: obstacle.why }, 'appends are not possible')
        : log.warn({}, 'appends are possible again'),
  })
  const taken = (ms: number): void => {
    appends.taken()
    seconds.observe(ms / 1000)
  }
  return {
    admission: admissionOf(appends, diskNow),
    watched: (journal) => ({
      ...journal,
      sessions: watchedLog(journal.sessions, taken, room),
      timers: timersWithRoom(journal.timers, room),
      snapshots: snapshotsWithRoom(journal.snapshots, room),
      outputs: outputsWithRoom(journal.outputs, room),
    }),
    room,
    full: () => fullError(diskNow?.()),
    fullForCode: () => fullForCode(diskNow?.(), options.disk),
    async watchAppends() {
      const reconnects = broker.onReconnect(() => appends.soon())
      closing.add('a listener', () => reconnects.close())
      await appends.start()
      closing.add('append watch', () => appends.close())
      watching = true
      const possible = metrics.gauge('reins_appends_possible')
      sampled(closing, () => possible.set(appends.notReady() ? 0 : 1))
    },
    health: () => ({
      ...(watching ? { appends: appends.notReady()?.why ?? 'ok' } : {}),
      ...(diskNow ? { disk: diskNow().text } : {}),
    }),
    notReady: () => {
      const obstacle = appends.notReady()
      return obstacle ? [`appends: ${obstacle.why}`] : []
    },
  }
}

async function watchDisk(
  folder: string,
  { disk: limits, log, metrics }: StorageWatchOptions,
  closing: Closing,
): Promise<DiskWatch> {
  const disk = new DiskWatch({
    ...limits,
    folder,
    changed: ({ level, usedPercent, text }) =>
      level === 'roomy'
        ? log.warn({ level, usedPercent }, 'the disk has room again')
        : log.error({ level, usedPercent }, text),
  })
  await disk.start()
  closing.add('disk watch', () => disk.close())
  const used = metrics.gauge('reins_disk_used_percent')
  sampled(closing, () => used.set(disk.state().usedPercent ?? 0))
  return disk
}

function sampled(closing: Closing, sample: () => void): void {
  sample()
  const timer = setInterval(sample, sampleMs)
  timer.unref()
  closing.add('a sample', () => clearInterval(timer))
}
