// The session index: all sessions as rows in Postgres, in the order of each of the streams that hold them.
//   I1. How far the index is stands in Postgres, in the transaction of the rows. The durables only bring news: what one skips is
//       read from its stream, what it repeats is passed over. So a lost ack, a redelivery, an emptied database change nothing.
//   I2. A frame that is none quarantines its session in the list, and nothing else stops.
//   I3. Postgres may be away at any moment, at the start too: the index, and a rebuild of it, go on from their checkpoints.
//   I5. Without room on the disk it stands still, at what it has; lists show that meanwhile.
//   I4. A rebuild fills a table of its own, batch by batch between the news, and takes as long as it takes: lists stay whole.
import { setTimeout as pause } from 'node:timers/promises'
import { type ConsumerMessages, type JsMsg, jetstream } from '@nats-io/jetstream'
import type { Broker } from '@reins/broker'
import { indexDurable, type RebuildProgress, type SessionStreams } from '@reins/contracts'
import type { Room, SessionLog } from '@reins/journal'
import { type Following, migrate, type ProjectionLoop, type ProjectionState, runLoop } from '@reins/projection'
import type { Log } from '@reins/telemetry'
import { type ArchivedBefore, readArchived } from './archived-frames.ts'
import { gatherMs } from './gathering.ts'
import { type Places, sumOf } from './index-checkpoint.ts'
import {
  apiMs,
  describeStreams,
  ensureDurable,
  framesAfter,
  fromConsumer,
  type StoredFrame,
  type StoredStreams,
} from './session-stream.ts'
import { IndexedSessions, takeRebuilt } from './session-table.ts'
import { type Database, migrations } from './tables.ts'

export interface SessionIndex {
  state(): ProjectionState
  /** The last sequence of each stream that the rows account for; nothing until the index has begun. */
  places(): Places
  /** How many frames the streams had beyond that, when the index last heard of them. */
  lag(): number
  /** Begins to read the whole stream again, unless that is under way; `progress` says how far it is. */
  rebuild(): RebuildProgress
  progress(): RebuildProgress
  close(): Promise<void>
}

export interface SessionIndexOptions {
  readonly broker: Broker
  /** That hold the sessions. */
  readonly streams: SessionStreams
  readonly db: Database
  /** For frames that lie in the archive. */
  readonly sessions: Pick<SessionLog, 'read'>
  readonly log: Log
  /** I5. Default: there always is room. */
  readonly room?: Room
}

/** Of the consumptions of one following: why it is over. */
interface Life {
  ended?: string
}

/** A frame that a durable has brought. */
interface News {
  readonly stream: number
  readonly message: JsMsg
}

const batchSize = 500
const saidEvery = 20_000

/** Runs until closed; the caller closes it before the database. */
export function runSessionIndex(options: SessionIndexOptions): SessionIndex {
  return new Runner(options)
}

class Runner implements SessionIndex {
  readonly #options: SessionIndexOptions
  readonly #loop: ProjectionLoop
  readonly #rows: IndexedSessions
  readonly #rebuilt: IndexedSessions
  #newest: readonly number[] = []
  /** As performance.now() counts. */
  #appliedAt = Number.NEGATIVE_INFINITY
  #news: News[] = []
  #wake: () => void = () => {}
  #life: Life = {}
  #progress: RebuildProgress = { kind: 'none' }
  /** Whether the rebuild has emptied its table. */
  #rebuilding = false

  constructor(options: SessionIndexOptions) {
    this.#options = options
    const archived: ArchivedBefore = (session, after) => readArchived(options, session, after)
    this.#rows = IndexedSessions.inUse(archived)
    this.#rebuilt = IndexedSessions.rebuilt(archived)
    this.#loop = runLoop({
      what: 'the session index',
      log: options.log,
      follow: (following) => this.#follow(following),
      failed: (why) => {
        if (this.#progress.kind === 'running') this.#progress = { ...this.#progress, waiting: why }
      },
    })
  }

  state(): ProjectionState {
    return this.#loop.state()
  }

  places(): Places {
    return this.#rows.places
  }

  lag(): number {
    return this.#rows.places.reduce((sum, place, at) => sum + Math.max((this.#newest[at] ?? 0) - place, 0), 0)
  }

  rebuild(): RebuildProgress {
    if (this.#progress.kind === 'running') return this.#progress
    this.#progress = { kind: 'running', frames: 0, of: sumOf(this.#rows.places) }
    this.#rebuilding = false
    this.#wake()
    return this.#progress
  }

  progress(): RebuildProgress {
    return this.#progress
  }

  /** Until something fails or it is closed. */
  async #follow({ signal, enter, progressed }: Following): Promise<void> {
    const { broker, streams, db, log } = this.#options
    await migrate(db, 'memory', migrations)
    const stored = await describeStreams(broker, streams)
    await this.#rows.begin(db, stored)
    this.#newest = stored.ends
    const begun = this.#rows.places
    await Promise.all(streams.names.map((name, at) => ensureDurable(broker, name, begun[at] ?? 0)))
    this.#news = []
    const life: Life = {}
    this.#life = life
    const consumed: ConsumerMessages[] = []
    const stopped = () => this.#wake()
    signal.addEventListener('abort', stopped)
    try {
      for (const at of streams.names.keys()) consumed.push(await this.#consume(at, life))
      await this.#catchUp(stored.ends, signal, enter)
      log.info({ seq: this.#rows.places }, 'the session index follows')
      while (!signal.aborted) {
        if (life.ended) throw new Error(life.ended)
        enter({ kind: 'following' })
        await this.#options.room?.(signal)
        if (this.#progress.kind === 'running') await this.#rebuildOn(stored)
        const batch = this.#news.splice(0, batchSize)
        if (batch.length > 0) await this.#take(batch, signal, enter)
        else if (this.#progress.kind !== 'running') await this.#nextNews(signal)
        progressed()
      }
    } finally {
      signal.removeEventListener('abort', stopped)
      for (const messages of consumed) void messages.close()
    }
  }

  async #consume(stream: number, life: Life): Promise<ConsumerMessages> {
    const consumer = await jetstream(this.#options.broker.nc, { timeout: apiMs }).consumers.get(
      this.#options.streams.names[stream]!,
      indexDurable,
    )
    const messages = await consumer.consume({
      max_messages: 1000,
      expires: 5000,
      idle_heartbeat: 1000,
      callback: (message) => {
        this.#news.push({ stream, message })
        const newest = message.seq + message.info.pending
        this.#newest = this.#newest.map((known, at) => (at === stream ? Math.max(known, newest) : known))
        if (this.#news.length === 1 || this.#news.length === batchSize) this.#wake()
      },
    })
    void this.#watch(messages, life)
    return messages
  }

  /** A durable that is gone would bring no news for ever, in silence. */
  async #watch(messages: ConsumerMessages, life: Life): Promise<void> {
    const gone: readonly string[] = ['consumer_deleted', 'consumer_not_found', 'stream_not_found']
    const end = (why: string) => {
      life.ended ??= why
      if (life === this.#life) this.#wake()
    }
    for await (const { type } of messages.status()) if (gone.includes(type)) end(`the broker says ${type}`)
    end('a consumer of sessions ended')
  }

  /** I1. */
  async #take(batch: readonly News[], signal: AbortSignal, enter: Following['enter']): Promise<void> {
    const newest = new Map<number, JsMsg>()
    for (const { stream, message } of batch)
      if (message.seq > (newest.get(stream)?.seq ?? 0)) newest.set(stream, message)
    const news = batch
      .filter(({ stream, message }) => message.seq > (this.#rows.places[stream] ?? 0))
      .sort((a, b) => a.message.seq - b.message.seq)
      .map(({ stream, message }) => fromConsumer(stream, message))
    await this.#apply(news)
    // A gap; or a database that has lost what it had (a crash, a restored backup): what is missing is read.
    const upTo = this.#rows.places.map((_, stream) => newest.get(stream)?.seq ?? 0)
    await this.#catchUp(upTo, signal, enter)
    for (const message of newest.values()) message.ack() // ack policy `all`: and all before it
  }

  async #catchUp(upTo: Places, signal: AbortSignal, enter: Following['enter']): Promise<void> {
    for (const [stream, seq] of upTo.entries()) await this.#catchUpIn(stream, seq, signal, enter)
  }

  async #catchUpIn(stream: number, upTo: number, signal: AbortSignal, enter: Following['enter']): Promise<void> {
    const { broker, streams, log } = this.#options
    const place = (): number => this.#rows.places[stream] ?? 0
    for (let frames = 0, said = 0; place() < upTo && !signal.aborted; ) {
      await this.#options.room?.(signal)
      const batch = await framesAfter(broker, streams, stream, place(), upTo)
      if (batch.length === 0) break
      await this.#apply(batch)
      frames += batch.length
      const progress = { seq: sumOf(this.#rows.places), of: Math.max(sumOf(this.#newest), sumOf(this.#rows.places)) }
      enter({ kind: 'catching up', ...progress })
      if (frames - said < saidEvery) continue
      said = frames
      log.info({ stream: streams.names[stream], ...progress }, 'the session index catches up')
    }
  }

  async #apply(batch: readonly StoredFrame[]): Promise<void> {
    const { db, log } = this.#options
    if (batch.length === 0) return
    await this.#rows.apply(db, batch)
    this.#appliedAt = performance.now()
    for (const { seq, subject, owner, frame } of batch) // I2
      if (!owner) log.warn({ seq, subject }, 'a message among the frames belongs to no session')
      else if (frame?.fault) log.warn({ seq, session: owner.session, fault: frame.fault }, 'a frame is none')
  }

  /** I4. One batch of each stream, or, where there is nothing left to read, the end. */
  async #rebuildOn(stored: StoredStreams): Promise<void> {
    const { broker, streams, db, log } = this.#options
    if (this.#progress.kind !== 'running') return
    const of = sumOf(this.#rows.places)
    if (!this.#rebuilding) {
      log.info({ of }, 'the session index is rebuilt')
      await this.#rebuilt.startOver(db, stored)
      this.#rebuilding = true
    }
    const batch: StoredFrame[] = []
    for (const [stream, place] of this.#rebuilt.places.entries())
      batch.push(...(await framesAfter(broker, streams, stream, place, this.#rows.places[stream] ?? 0)))
    if (batch.length > 0) {
      await this.#rebuilt.apply(db, batch)
      const frames = this.#progress.frames + batch.length
      this.#progress = { kind: 'running', frames, of: Math.max(of, frames) }
      if (Math.floor(frames / saidEvery) > Math.floor((frames - batch.length) / saidEvery))
        log.info(this.#progress, 'the session index is being rebuilt')
    } else if (await takeRebuilt(db, stored.count)) {
      await this.#rows.begin(db, stored)
      this.#progress = { kind: 'done', frames: this.#progress.frames }
      log.info(this.#progress, 'the session index is whole again')
    }
  }

  async #nextNews(signal: AbortSignal): Promise<void> {
    const nothing = () => this.#news.length === 0 && this.#progress.kind !== 'running' && !this.#life.ended
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (!nothing() || signal.aborted) resolve()
    })
    if (nothing()) return
    await this.#gather(signal)
    this.#wake = () => {}
  }

  /** So many at once cost the database hardly more than one, and the index must not compete with the turns that it describes. */
  async #gather(signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const enough = () => this.#news.length >= batchSize || this.#progress.kind === 'running' || this.#life.ended
    this.#wake = () => {
      if (enough()) over.abort()
    }
    if (enough()) return
    const whichever = AbortSignal.any([signal, over.signal])
    await pause(gatherMs(performance.now() - this.#appliedAt), undefined, { signal: whichever }).catch(() => {})
  }

  close(): Promise<void> {
    return this.#loop.close()
  }
}
