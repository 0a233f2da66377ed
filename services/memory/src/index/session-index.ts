// The session index: all sessions as rows in Postgres, in the order of each of the streams that hold them.
//   I1. How far the index is stands in Postgres, in the transaction of the rows. The durables only bring news: what one skips is
//       read from its stream, what it repeats is passed over. So a lost ack, a redelivery, an emptied database change nothing.
//   I2. A frame that is none quarantines its session in the list, and nothing else stops.
//   I3. Postgres may be away at any moment, at the start too: the index, and a rebuild of it, go on from their checkpoints.
//   I6. Where all that append to sessions run in this process, its frames are heard where they are acked, and the broker hands none of them out
//       again. What others append all the same shows as a gap, or at the next look at where the streams end.
//   I5. Without room on the disk it stands still, at what it has; lists show that meanwhile.
//   I4. A rebuild fills a table of its own, batch by batch between the news, and takes as long as it takes: lists stay whole.
import { setTimeout as pause } from 'node:timers/promises'
import { type ConsumerMessages, jetstream } from '@nats-io/jetstream'
import type { Broker } from '@reins/broker'
import { indexDurable, type RebuildProgress, type SessionStreams } from '@reins/contracts'
import type { RepublishedFrame, Room, SessionLog, Subscription } from '@reins/journal'
import { type Following, migrate, type ProjectionLoop, type ProjectionState, runLoop } from '@reins/projection'
import type { Log } from '@reins/telemetry'
import { type ArchivedBefore, readArchived } from './archived-frames.ts'
import { gatherMs } from './gathering.ts'
import { type Places, sumOf } from './index-checkpoint.ts'
import {
  apiMs,
  describeStreams,
  ensureIndexDurable,
  framesAfter,
  fromConsumer,
  fromHere,
  removeDurable,
  type StoredFrame,
  type StoredStreams,
} from './session-stream.ts'
import { dropErasedOfRebuild, IndexedSessions, takeRebuilt } from './session-table.ts'
import { type Database, migrations } from './tables.ts'

export interface SessionIndex {
  state(): ProjectionState
  /** Resolves once it has begun, or failed to, and after so many ms at the latest. */
  begun(withinMs: number): Promise<void>
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
  /** I6. Frames that this process appends, as they are acked. Absent: others append too. */
  readonly framesHere?: (on: (frame: RepublishedFrame) => void) => Subscription
}

/** Of the consumptions of one following: why it is over. */
interface Life {
  ended?: string
}

/** A frame that a durable has brought, or that was appended here. */
interface News {
  readonly stream: number
  readonly seq: number
  frame(): StoredFrame
  /** Of what a durable has brought: it, and all before it in its stream. */
  ack?(): void
}

const batchSize = 500
/** I6: what comes beyond that is read later, as a gap. */
const mostNews = 2000
/** I6. ms without news until the streams are looked at. */
const lookAfterMs = 1000
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
  #newest: number[] = []
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

  begun(withinMs: number): Promise<void> {
    return this.#loop.begun(withinMs)
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
    this.#news = []
    this.#newest = []
    // Before it is asked where the streams end: what is appended then is in one of the two.
    const here = this.#options.framesHere?.((frame) => this.#hear(fromHere(streams, frame)))
    const life: Life = {}
    this.#life = life
    const consumed: ConsumerMessages[] = []
    const stopped = () => this.#wake()
    signal.addEventListener('abort', stopped)
    try {
      const stored = await describeStreams(broker, streams)
      await this.#rows.begin(db, stored)
      await this.#startOverBeyond(stored)
      await dropErasedOfRebuild(db)
      this.#newest = stored.ends.map((end, at) => Math.max(end, this.#newest[at] ?? 0))
      if (here) await Promise.all(streams.names.map((name) => removeDurable(broker, name)))
      else {
        const begun = this.#rows.places
        await Promise.all(streams.names.map((name, at) => ensureIndexDurable(broker, name, begun[at] ?? 0)))
        for (const at of streams.names.keys()) consumed.push(await this.#consume(at, life))
      }
      await this.#catchUp(stored.ends, signal, enter)
      log.info({ seq: this.#rows.places }, 'the session index follows')
      while (!signal.aborted) {
        if (life.ended) throw new Error(life.ended)
        enter({ kind: 'following' })
        await this.#options.room?.(signal)
        if (this.#progress.kind === 'running') await this.#rebuildOn(stored)
        const batch = this.#news.splice(0, batchSize)
        if (batch.length > 0) await this.#take(batch, signal, enter)
        else if (this.#progress.kind !== 'running' && (await this.#nextNews(signal)) === 'none')
          await this.#look(stored, signal, enter)
        progressed()
      }
    } finally {
      here?.close()
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
        const { seq } = message
        const ack = () => void message.ack() // ack policy `all`
        this.#tell({ stream, seq, frame: () => fromConsumer(stream, message), ack }, seq + message.info.pending)
      },
    })
    void this.#watch(messages, life)
    return messages
  }

  /** `end`: where its stream ended when it came. */
  #tell(news: News, end: number): void {
    this.#newest[news.stream] = Math.max(this.#newest[news.stream] ?? 0, end)
    this.#news.push(news)
    if (this.#news.length === 1 || this.#news.length === batchSize) this.#wake()
  }

  /** I6. */
  #hear(frame: StoredFrame): void {
    const { stream, seq } = frame
    if (this.#news.length < mostNews) this.#tell({ stream, seq, frame: () => frame }, seq)
    else this.#newest[stream] = Math.max(this.#newest[stream] ?? 0, seq)
  }

  /** FS4 of libs/projection. */
  async #startOverBeyond(stored: StoredStreams): Promise<void> {
    const { broker, streams, db, log } = this.#options
    const isBeyond = (ends: Places) => this.#rows.places.some((place, at) => place > (ends[at] ?? 0))
    // Others may have gone on since it was looked at.
    if (!isBeyond(stored.ends) || !isBeyond((await describeStreams(broker, streams)).ends)) return
    log.warn({ seq: this.#rows.places }, 'the session index says that it is beyond the sessions: it is made again')
    await this.#rows.startOver(db, stored)
  }

  /** I6: what others have appended, or was not heard. */
  async #look(stored: StoredStreams, signal: AbortSignal, enter: Following['enter']): Promise<void> {
    const { broker, streams } = this.#options
    // A broker that is away is no news.
    const now = await describeStreams(broker, streams).catch(() => undefined)
    if (!now) return
    if (now.identity !== stored.identity) throw new Error('the streams of sessions are other ones')
    this.#newest = now.ends.map((end, at) => Math.max(end, this.#newest[at] ?? 0))
    await this.#catchUp(now.ends, signal, enter)
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
    const newest = new Map<number, News>()
    for (const one of batch) if (one.seq > (newest.get(one.stream)?.seq ?? 0)) newest.set(one.stream, one)
    const news = batch
      .filter(({ stream, seq }) => seq > (this.#rows.places[stream] ?? 0))
      .sort((a, b) => a.seq - b.seq)
      .map((one) => one.frame())
    await this.#apply(news)
    // A gap; or a database that has lost what it had (a crash, a restored backup): what is missing is read.
    const upTo = this.#rows.places.map((_, stream) => newest.get(stream)?.seq ?? 0)
    await this.#catchUp(upTo, signal, enter)
    for (const one of newest.values()) one.ack?.()
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

  /** `none`: there was none for so long that the streams are to be looked at (I6). */
  async #nextNews(signal: AbortSignal): Promise<'some' | 'none'> {
    const nothing = () => this.#news.length === 0 && this.#progress.kind !== 'running' && !this.#life.ended
    let late: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (this.#options.framesHere) late = setTimeout(resolve, lookAfterMs)
      if (!nothing() || signal.aborted) resolve()
    })
    clearTimeout(late)
    if (nothing()) return signal.aborted || !this.#options.framesHere ? 'some' : 'none'
    await this.#gather(signal)
    this.#wake = () => {}
    return 'some'
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
