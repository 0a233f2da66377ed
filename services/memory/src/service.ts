// Memory: the session index in Postgres, the firing of timers, the sending of webhooks, and the long-term memory of agents.
//   S1. Timers and webhooks need the journal alone; Postgres may be away, also at the start.
import { type Broker, callService } from '@reins/broker'
import {
  type ArchiveLook,
  type KeptWebhook,
  memoryStoreName,
  type ReinsError,
  type SessionStreams,
  serviceSubject,
  signWebhookVerb,
} from '@reins/contracts'
import type { Archivist, Room, SessionLog, Timers } from '@reins/journal'
import { healthOf, openDatabase } from '@reins/projection'
import type { SecretsRedactor } from '@reins/secrets'
import { type Clock, Closing, type PausePoint, type Running } from '@reins/service'
import type { Log, Metrics } from '@reins/telemetry'
import { startArchive } from './archive/archive.ts'
import { erasable } from './archive/erasable.ts'
import { isErased } from './archive/erase.ts'
import { builtinStore } from './entries/builtin/builtin-store.ts'
import { runMemoryIndex } from './entries/builtin/memory-index.ts'
import { MemoryLog } from './entries/builtin/memory-log.ts'
import type { Embedder } from './entries/meaning/embedder.ts'
import { Meaning } from './entries/meaning/meaning.ts'
import { Vectors } from './entries/meaning/vectors.ts'
import { Memories } from './entries/memories.ts'
import { secretsOver } from './entries/postgres/databases.ts'
import type { Db } from './entries/postgres/entry-rows.ts'
import { Stores } from './entries/stores.ts'
import { watchWaiting } from './index/people/waiting-gauges.ts'
import { runSessionIndex, type SessionIndexOptions } from './index/session-index.ts'
import { SessionLists } from './index/session-lists.ts'
import type { Tables } from './index/tables.ts'
import { serveMemory } from './nats.ts'
import { consumeFiredTimers } from './timers/fired-timers.ts'
import { type ExportSpansOptions, exportSpans } from './traces/export-spans.ts'
import { frameOfJob } from './webhooks/frame-of-job.ts'
import { jetstreamQueue } from './webhooks/jetstream-queue.ts'
import { type Made, type MakersRegistry, standingOf } from './webhooks/makers.ts'
import { post, systemResolve } from './webhooks/post.ts'
import { runWebhooks } from './webhooks/webhooks.ts'

export interface ArchiveConfig {
  readonly archivist: Archivist
  readonly afterMs: number
  /** How often all that lies in the archive is read. ms */
  readonly lookEveryMs: number
  /** Why no session can be erased; undefined: it can. */
  readonly notErased: string | undefined
}

export interface MemoryConfig {
  /** Stays the caller's to close. The streams must be there (openJournal makes them). */
  readonly broker: Broker
  readonly sessions: SessionLog
  /** That hold the sessions, as openJournal found or made them. */
  readonly streams: SessionStreams
  readonly timers: Timers
  /** Whether the disk has room for the index. Default: it always has. */
  readonly room?: Room
  readonly databaseUrl: string | undefined
  /** Never rejects. Until it resolves, the database is as one that is away. Default: it is ready. */
  readonly databaseReady?: Promise<unknown>
  /** Frames that this process appends, as they are acked, where all that append to sessions run in it. Default: others append too. */
  readonly framesHere?: SessionIndexOptions['framesHere']
  /** How long the broker waits for a sign of whoever works on a delivery before it gives it to another. */
  readonly ackWaitMs: number
  /** The folder of long-term memories that are files. Absolute; it is made when it is needed. */
  readonly files: string
  /** Search by meaning. Default: by words alone. Stays the caller's to close. */
  readonly embedder?: Embedder
  /** Masks secrets in what is remembered. */
  readonly redactor: Pick<SecretsRedactor, 'json' | 'learn'>
  /** Why nothing may be written now; undefined: it may. */
  readonly full?: () => ReinsError | undefined
  readonly pauseAt?: PausePoint
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** This process's name in the frames that it appends, made new at each start. */
  readonly instance: string
  /** Those that there are. Default: none. */
  readonly webhooks?: () => readonly KeptWebhook[]
  /** Who made webhooks, as they stand now. Default: nobody's rights have changed. */
  readonly makers?: MakersRegistry
  /** Where spans are exported to, while sessions work. Default: nowhere, and nothing of the stream is read for it. */
  readonly traces?: Pick<ExportSpansOptions, 'sink' | 'content' | 'silentMs'>
  /** Sessions at rest for so long go to the archive; a text: why they do not, although it is asked for. Default: it is not. */
  readonly archive?: ArchiveConfig | string
  /** Whether webhooks may go to addresses that are not public. Default: no. */
  readonly allowPrivateWebhooks?: boolean
}

export interface RunningMemory extends Running {
  /** Part by part: ok, or what is wrong with it. */
  health(): Record<string, string>
  /** What the last look at the archive found; undefined: none has ended here. */
  archive(): ArchiveLook | undefined
  /** Sessions in the archive that cannot be read, as far as looks have found. */
  unreadable(): readonly string[]
}

/** Resolves when timers are consumed and requests are served; the index may still be catching up. */
export async function start(config: MemoryConfig): Promise<RunningMemory> {
  const { broker, sessions, streams, timers, databaseUrl, clock, log, metrics, instance } = config
  const closing = new Closing()
  const db =
    databaseUrl === undefined
      ? undefined
      : openDatabase<Tables>(databaseUrl, { derived: true, ready: config.databaseReady })
  if (db) closing.add('database', () => db.destroy())
  const { room, framesHere } = config
  const index =
    db &&
    runSessionIndex({
      ...{ broker, streams, sessions, db, log },
      ...(room ? { room } : {}),
      ...(framesHere ? { framesHere } : {}),
    })
  if (index) {
    closing.add('index', () => index.close())
    const seq = metrics.gauge('reins_session_index_seq')
    seq.reset() // of the streams that an earlier start of it followed
    const lag = metrics.gauge('reins_session_index_lag')
    const sample = setInterval(() => {
      for (const [at, place] of index.places().entries()) seq.set({ stream: streams.names[at] ?? '' }, place)
      lag.set(index.lag())
    }, 5000)
    sample.unref()
    closing.add('metrics', () => clearInterval(sample))
    const waiting = watchWaiting(db, { metrics, clock })
    closing.add('gauges', () => waiting.close())
  }
  const stopping = new AbortController()
  const { makers } = config
  const attempts = metrics.counter('reins_webhook_attempts_total')
  const webhooks = await runWebhooks({
    queue: await jetstreamQueue(broker, { streams, ackWaitMs: config.ackWaitMs }),
    webhooks: config.webhooks ?? (() => []),
    ...(makers ? { standing: (made: Made) => standingOf(made, makers, clock.now()) } : {}),
    agentOf: async (session) => {
      const [first] = await config.sessions.read(session, { after: 0, limit: 1 })
      const started = first?.events.find((event) => event.type === 'session.started')
      return started?.type === 'session.started' ? started.data.agent : undefined
    },
    isErased: (session) => isErased(sessions, session),
    frameOf: (job) => frameOfJob(sessions, job),
    ...(config.pauseAt ? { pauseAt: config.pauseAt } : {}),
    now: clock.now,
    random: clock.random,
    sign: (request) => callService(broker, serviceSubject('registry', signWebhookVerb), request),
    post: (target, headers, body) =>
      post(target, headers, body, {
        allowPrivate: config.allowPrivateWebhooks ?? false,
        withinMs: 15_000,
        resolve: systemResolve,
        signal: stopping.signal,
      }),
    log,
    onAttempt: (outcome) => attempts.inc({ outcome }),
  })
  closing.add('webhooks', () => {
    stopping.abort()
    return webhooks.close()
  })
  if (config.traces) {
    const exporting = await exportSpans({
      ...config.traces,
      ...{ broker, streams, sessions, instance, clock, log, metrics },
      ...(framesHere ? { framesHere } : {}),
    })
    closing.add('traces', () => exporting.close())
  }
  const archive = await startArchive(config, db)
  closing.add('archive', () => archive.close())
  const memoryIndex = db && runMemoryIndex({ broker, db, log })
  if (memoryIndex) closing.add('index of memories', () => memoryIndex.close())
  const stores = new Stores({
    builtin: builtinStore({
      log: new MemoryLog(broker),
      index: db && memoryIndex && { rows: memoryIndex, db },
      full: config.full ?? (() => undefined),
    }),
    files: config.files,
    secret: secretsOver(broker, (values) => config.redactor.learn(values)),
    now: clock.now,
  })
  closing.add('long-term memory', () => stores.close())
  const meaning = config.embedder && meaningBy(config.embedder, config, db)
  if (meaning) closing.add('search by meaning', () => meaning.close())
  const memories = new Memories({
    storeOf: meaning
      ? async (store, digest) => meaning.over(await stores.storeOf(store, digest), memoryStoreName(store))
      : stores.storeOf,
    now: clock.now,
    mask: (value) => config.redactor.json(value),
    log,
    ...(config.pauseAt ? { pauseAt: config.pauseAt } : {}),
  })
  const served = serveMemory({
    ...{
      broker,
      lists: new SessionLists(db, index, streams, () => archive.unreadable()),
      index,
      webhooks,
      memories,
      log,
    },
    erasable: (session) => erasable({ broker, streams, db, index, obstacle: archive.notErased }, session),
  })
  closing.add('requests', () => served.close())

  const appended = metrics.counter('reins_timers_fired_total')
  const fired = await consumeFiredTimers({
    timers,
    sessions,
    clock,
    instance,
    log,
    onAppended: () => appended.inc(),
  }).catch(async (error: unknown) => {
    await closing.close({ withinMs: 2000 })
    throw error
  })
  closing.add('timers', () => fired.close())
  return {
    close: (options) => closing.close(options),
    archive: () => archive.found(),
    unreadable: () => archive.unreadable(),
    health: () => ({
      timers: fired.health(),
      webhooks: webhooks.health(),
      ...archive.health(),
      index: healthOf(index?.state()),
      memories: healthOf(memoryIndex?.state()),
    }),
  }
}

/** Of vectors in this process: 10,000 entries of a common model. */
const vectorBytes = 64 * 1024 * 1024

function meaningBy(embedder: Embedder, { clock, log }: MemoryConfig, db: Db | undefined): Meaning {
  const onAway = (error: unknown): void =>
    log.warn({ err: error instanceof Error ? error.message : String(error) }, 'vectors of memories are not kept now')
  const vectors = new Vectors({ model: embedder.model, db, bytes: vectorBytes, onAway })
  return new Meaning({ embedder, vectors, now: clock.now, log })
}
