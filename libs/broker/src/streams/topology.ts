// Makes the streams and buckets of ARCHITECTURE.md as they must be; run by every service at its start, changes nothing that is right already.
import { setTimeout as pause } from 'node:timers/promises'
import { JetStreamApiError, jetstream, jetstreamManager, type StreamConfig } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { Objm } from '@nats-io/obj'
import {
  allArchiveKeysFilter,
  allDeliveriesFilter,
  allFiredFilter,
  allLiveFilter,
  allMemoriesFilter,
  allOlderWebhookJobsFilter,
  allRegistryFilter,
  allSessionsFilter,
  allTimersFilter,
  allWebhookTimersFilter,
  buckets,
  canarySubject,
  exportsKeptMs,
  inboxOf,
  newSessionStreams,
  objectStores,
  outputsKeptMs,
  republishSource,
  republishTarget,
  type SessionStreamCount,
  type SessionStreams,
  serviceNames,
  sessionStreamsOf,
  streams,
  subjectsOfStream,
} from '@reins/contracts'
import type { Broker } from '../connection/broker.ts'
import { keepStores } from './kept-stores.ts'
import { isClosed, SessionsMoving, sessionStreamsThere, streamInfo } from './session-layout.ts'
import { limitStores } from './store-limits.ts'
import { isUnanswered, leadersWithinMs, untilAnswered } from './until-answered.ts'

export interface TopologyOptions {
  /** Copies of each stream: 1, or 3 in a cluster. */
  readonly replicas: 1 | 3
  /** How long whole outputs of tools are kept. ms. Default: as contracts say. */
  readonly outputsKeptMs?: number
  /** How many streams hold the sessions, where none is there yet. Default `newSessionStreams`. */
  readonly sessionStreams?: SessionStreamCount
  /**
   * Whether frames may be taken out of the streams of sessions, once they lie in the archive. Counts for streams that are not there yet:
   * one that was made otherwise stays as it is. Default: nobody can take anything out.
   */
  readonly archived?: boolean
  /** ms until a request is given up. Default 15 000, and 5 000 in a cluster, which is asked again. */
  readonly withinMs?: number
}

const day = 24 * 3600
const nanos = (seconds: number): number => seconds * 1e9
const maxConsumers = 100_000

/** The server's memory is not for deltas alone. Where very many answers stream, this is less than `max_age`: the oldest go first. */
const maxLiveBytes = 256 * 1024 * 1024

const liveStream = {
  name: streams.live,
  subjects: [allLiveFilter],
  storage: 'memory',
  num_replicas: 1,
  allow_direct: true,
  no_ack: true,
  max_age: nanos(2 * 3600),
  max_bytes: maxLiveBytes,
  discard: 'old',
  max_consumers: 1000,
} as const satisfies Partial<StreamConfig>

/** Gives the streams that hold the sessions: those that are there, or those that it has made. What a cluster cannot do yet is tried again. */
export async function ensureTopology(broker: Broker, options: TopologyOptions): Promise<SessionStreams> {
  const begun = performance.now()
  for (;;) {
    try {
      return await makeTopology(broker, options)
    } catch (error) {
      const withinMs = options.replicas > 1 || error instanceof SessionsMoving ? leadersWithinMs : 0
      if (performance.now() - begun > withinMs || !(error instanceof SessionsMoving || isUnanswered(error))) throw error
      await pause(againMs)
    }
  }
}

async function makeTopology(broker: Broker, options: TopologyOptions): Promise<SessionStreams> {
  const { replicas } = options
  const manager = await jetstreamManager(broker.nc, {
    timeout: options.withinMs ?? (replicas > 1 ? askedAgainMs : 15_000),
    checkAPI: false,
  })
  const count = (await sessionStreamsThere(manager)) ?? options.sessionStreams ?? newSessionStreams
  const sessions = sessionStreamsOf(count)
  const there = await takenFrom(manager, sessions)
  const denyPurge = !(there?.purged ?? options.archived ?? false)
  const denyDelete = !(there?.overwritten ?? options.archived ?? false)
  const wanted: (Partial<StreamConfig> & { name: string })[] = [
    ...sessions.names.map((name, index) => ({
      name,
      subjects: [...subjectsOfStream(count, index)],
      storage: 'file' as const,
      num_replicas: replicas,
      allow_direct: true,
      deny_delete: denyDelete,
      deny_purge: denyPurge,
      max_consumers: maxConsumers,
      republish: { src: republishSource, dest: republishTarget },
    })),
    {
      name: streams.timers,
      subjects: [allTimersFilter, allFiredFilter, allWebhookTimersFilter, allOlderWebhookJobsFilter],
      storage: 'file',
      num_replicas: replicas,
      allow_direct: true,
      allow_msg_schedules: true,
      allow_msg_ttl: true,
      max_consumers: 1000,
    },
    {
      name: streams.registry,
      subjects: [allRegistryFilter],
      storage: 'file',
      num_replicas: replicas,
      allow_direct: true,
      deny_delete: true,
      max_consumers: maxConsumers,
    },
    {
      name: streams.deliveries,
      subjects: [allDeliveriesFilter],
      storage: 'file',
      num_replicas: replicas,
      allow_direct: true,
      max_age: nanos(7 * day),
      max_msgs_per_subject: 1000,
    },
    {
      name: streams.memories,
      subjects: [allMemoriesFilter],
      storage: 'file',
      num_replicas: replicas,
      allow_direct: true,
      deny_delete: true,
      deny_purge: true,
      max_consumers: 1000,
    },
    {
      name: streams.keys,
      subjects: [allArchiveKeysFilter],
      storage: 'file',
      num_replicas: replicas,
      allow_direct: true,
      // A key is written once. It may be overwritten: that is what erases.
      max_msgs_per_subject: 1,
      discard: 'new',
      discard_new_per_subject: true,
      max_consumers: 1000,
    },
    {
      name: streams.canary,
      subjects: [canarySubject],
      storage: 'file',
      num_replicas: replicas,
      max_msgs: 1,
      discard: 'old',
    },
  ]
  for (const config of wanted) await ensureStream(manager, config)
  // It lies on one node. Where that is away, sessions work without it (keepLiveStream).
  await ensureLiveStream(manager).catch((error: unknown) => {
    if (replicas === 1 || !isUnanswered(error)) throw error
  })
  const kvm = new Kvm(jetstream(broker.nc))
  await kvm.create(buckets.snapshots, { replicas, history: 1, storage: 'file' })
  await kvm.create(buckets.pools, { replicas, history: 1, storage: 'file' })
  await kvm.create(buckets.idempotency, { replicas, history: 1, storage: 'file', ttl: day * 1000 })
  await ensureOutputs(broker, manager, replicas, options.outputsKeptMs ?? outputsKeptMs)
  await new Objm(jetstream(broker.nc)).create(objectStores.bundles, { replicas, storage: 'file' })
  if (!denyPurge) await new Objm(jetstream(broker.nc)).create(objectStores.archive, { replicas, storage: 'file' })
  if (mayUpdate(broker)) {
    await limitStores(manager)
    await keepStores(manager)
  }
  return sessions
}

/** As NU1 of contracts says: of the services the registry alone, and whoever is none of them. */
const mayUpdate = ({ inbox }: Broker): boolean =>
  !serviceNames.some((service) => service !== 'registry' && inboxOf(service).own === inbox)

/** The streams that hold the sessions, where they are made already. Rejects where they are not. */
export async function findSessionStreams(broker: Broker): Promise<SessionStreams> {
  const count = await sessionStreamsThere(await jetstreamManager(broker.nc, { checkAPI: false }))
  if (count === undefined) throw new Error('No stream holds sessions yet: no service of Reins has been started here.')
  return sessionStreamsOf(count)
}

/** Where it stands how far exports have come. Made by who exports, so that nobody else needs the right to it. */
export async function ensureExports(broker: Broker, sessions: SessionStreams): Promise<void> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  const [first = ''] = sessions.names
  const replicas = (await manager.streams.info(first)).config.num_replicas
  await new Kvm(jetstream(broker.nc)).create(buckets.exports, {
    replicas,
    history: 1,
    storage: 'file',
    ttl: exportsKeptMs,
  })
}

/** What may be taken out of the streams of sessions: their settings say it, for as long as they live. */
export interface TakenFrom {
  /** Frames may leave them: so sessions can be archived. */
  readonly purged: boolean
  /** Frames may be overwritten: so sessions can be erased. */
  readonly overwritten: boolean
}

const nothingTaken: TakenFrom = { purged: false, overwritten: false }

/** Of streams that are not there: nothing. */
export async function sessionsTakenFrom(broker: Broker, sessions: SessionStreams): Promise<TakenFrom> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  return (await untilAnswered(() => takenFrom(manager, sessions))) ?? nothingTaken
}

/** The first of them is made first, and the others as it is. undefined: it is not there. */
async function takenFrom(manager: Manager, sessions: SessionStreams): Promise<TakenFrom | undefined> {
  const [first = ''] = sessions.names
  const found = await streamInfo(manager, first)
  if (!found) return undefined
  const { deny_purge, deny_delete } = found.config
  return { purged: !deny_purge, overwritten: !deny_purge && !deny_delete }
}

/** A bucket of an older version keeps for ever, or for another time: whoever may change it (the registry) gives it its limit, and others leave it as it is. */
async function ensureOutputs(broker: Broker, manager: Manager, replicas: 1 | 3, keptMs: number): Promise<void> {
  const max_age = nanos(keptMs / 1000)
  const store = await new Objm(jetstream(broker.nc)).create(objectStores.outputs, {
    replicas,
    storage: 'file',
    ttl: max_age,
  })
  const { streamInfo } = await store.status()
  if (streamInfo.config.max_age !== max_age)
    await manager.streams
      .update(streamInfo.config.name, { max_age, duplicate_window: Math.min(max_age, defaultDuplicateWindow) })
      .catch((error: unknown) => {
        if (error instanceof JetStreamApiError) throw error // Whoever may not change it is not answered.
      })
}

/** The server's own; it takes none that is longer than `max_age`. */
const defaultDuplicateWindow = nanos(120)

const againMs = 250
/** ms */
const askedAgainMs = 5000

const ensureLiveStream = (manager: Manager): Promise<void> =>
  ensureStream(manager, { ...liveStream, subjects: [...liveStream.subjects] })

/**
 * A stream in memory does not outlive its server: now and after each reconnect it is made again where it is missing, by whoever comes first.
 * Without it, what was streamed of an answer could be shown to nobody who joins, and asking for it would take until the deadline.
 * Close the subscription to stop.
 */
export function keepLiveStream(broker: Broker): { close(): void } {
  let wanted = true
  let closed = false
  const restore = async (): Promise<void> => {
    for (; wanted && !closed && !broker.nc.isClosed(); await pause(againMs)) {
      wanted = false
      try {
        const manager = await jetstreamManager(broker.nc, { timeout: 2000, checkAPI: false })
        await ensureLiveStream(manager)
        return
      } catch {
        // Not up yet, or gone again.
        wanted = true
      }
    }
  }
  let restoring = restore()
  const reconnects = broker.onReconnect(() => {
    wanted = true
    restoring = restoring.then(restore)
  })
  return {
    close: () => {
      closed = true
      reconnects.close()
    },
  }
}

type Manager = Awaited<ReturnType<typeof jetstreamManager>>

/** Several services start at once: whoever comes second finds it made. */
async function ensureStream(manager: Manager, config: Partial<StreamConfig> & { name: string }): Promise<void> {
  const existing = await streamInfo(manager, config.name)
  if (!existing) {
    try {
      await manager.streams.add(config)
      return
    } catch (error) {
      if (!(await streamInfo(manager, config.name))) throw error
    }
  }
  const found = existing ?? (await manager.streams.info(config.name))
  // Closed since it was looked at: opened again, it would take frames that the four do not get.
  if (isClosed(found) && config.subjects?.includes(allSessionsFilter)) throw new SessionsMoving()
  const current = found.config as unknown as Record<string, unknown>
  const differs = Object.entries(config).some(
    ([key, value]) => JSON.stringify(current[key] ?? false) !== JSON.stringify(value),
  )
  if (differs) await manager.streams.update(config.name, config)
}
