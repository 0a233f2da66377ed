// The session index: SES as rows in Postgres, in the order of the stream.
//   I1. How far the index is stands in Postgres, in the transaction of the rows. The durable only brings news: what it skips is
//       read from the stream, what it repeats is passed over. So a lost ack, a redelivery, an emptied database change nothing.
//   I2. A frame that is none quarantines its session in the list, and nothing else stops.
//   I3. Postgres may be away at any moment, at the start too: the index, and a rebuild of it, go on from their checkpoints.
//   I5. Without room on the disk it stands still, at what it has; lists show that meanwhile.
//   I4. A rebuild fills a table of its own, batch by batch between the news, and takes as long as it takes: lists stay whole.
import { setTimeout as pause } from 'node:timers/promises'
import { type ConsumerMessages, type JsMsg, jetstream } from '@nats-io/jetstream'
import type { Broker } from '@reins/broker'
import { indexDurable, type RebuildProgress, streams } from '@reins/contracts'
import type { Room } from '@reins/journal'
import { type Following, migrate, type ProjectionLoop, type ProjectionState, runLoop } from '@reins/projection'
import type { Log } from '@reins/telemetry'
import { gatherMs } from './gathering.ts'
import { apiMs, describeStream, ensureDurable, framesAfter, fromConsumer, type StoredFrame } from './session-stream.ts'
import { IndexedSessions, takeRebuilt } from './session-table.ts'
import { type Database, migrations } from './tables.ts'

export interface SessionIndex {
  state(): ProjectionState
  /** The last sequence of SES that the rows account for. */
  seq(): number
  /** How many frames SES had beyond that, when the index last heard of it. */
  lag(): number
  /** Begins to read the whole stream again, unless that is under way; `progress` says how far it is. */
  rebuild(): RebuildProgress
  progress(): RebuildProgress
  close(): Promise<void>
}

export interface SessionIndexOptions {
  readonly broker: Broker
  readonly db: Database
  readonly log: Log
  /** I5. Default: there always is room. */
  readonly room?: Room
}

/** Of one consumption: why it is over. */
interface Life {
  ended?: string
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
  readonly #rows = IndexedSessions.inUse()
  readonly #rebuilt = IndexedSessions.rebuilt()
  #newest = 0
  /** As performance.now() counts. */
  #appliedAt = Number.NEGATIVE_INFINITY
  #news: JsMsg[] = []
  #wake: () => void = () => {}
  #life: Life = {}
  #progress: RebuildProgress = { kind: 'none' }
  /** Whether the rebuild has emptied its table. */
  #rebuilding = false

  constructor(options: SessionIndexOptions) {
    this.#options = options
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

  seq(): number {
    return this.#rows.seq
  }

  lag(): number {
    return Math.max(this.#newest - this.#rows.seq, 0)
  }

  rebuild(): RebuildProgress {
    if (this.#progress.kind === 'running') return this.#progress
    this.#progress = { kind: 'running', frames: 0, of: this.#rows.seq }
    this.#rebuilding = false
    this.#wake()
    return this.#progress
  }

  progress(): RebuildProgress {
    return this.#progress
  }

  /** Until something fails or it is closed. */
  async #follow({ signal, enter, progressed }: Following): Promise<void> {
    const { broker, db, log } = this.#options
    await migrate(db, 'memory', migrations)
    const stream = await describeStream(broker)
    await this.#rows.begin(db, stream.identity)
    this.#newest = stream.lastSeq
    await ensureDurable(broker, this.#rows.seq)
    this.#news = []
    const life: Life = {}
    this.#life = life
    const messages = await this.#consume(life)
    const stopped = () => this.#wake()
    signal.addEventListener('abort', stopped)
    try {
      await this.#catchUp(stream.lastSeq, signal, enter)
      log.info({ seq: this.#rows.seq }, 'the session index follows')
      while (!signal.aborted) {
        if (life.ended) throw new Error(life.ended)
        enter({ kind: 'following' })
        await this.#options.room?.(signal)
        if (this.#progress.kind === 'running') await this.#rebuildOn(stream.identity)
        const batch = this.#news.splice(0, batchSize)
        if (batch.length > 0) await this.#take(batch, signal, enter)
        else if (this.#progress.kind !== 'running') await this.#nextNews(signal)
        progressed()
      }
    } finally {
      signal.removeEventListener('abort', stopped)
      void messages.close()
    }
  }

  async #consume(life: Life): Promise<ConsumerMessages> {
    const consumer = await jetstream(this.#options.broker.nc, { timeout: apiMs }).consumers.get(
      streams.sessions,
      indexDurable,
    )
    const messages = await consumer.consume({
      max_messages: 1000,
      expires: 5000,
      idle_heartbeat: 1000,
      callback: (message) => {
        this.#news.push(message)
        this.#newest = Math.max(this.#newest, message.seq + message.info.pending)
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
    end('the consumer of SES ended')
  }

  /** I1. */
  async #take(batch: readonly JsMsg[], signal: AbortSignal, enter: Following['enter']): Promise<void> {
    const newest = batch.reduce((a, b) => (b.seq > a.seq ? b : a))
    const news = batch
      .filter(({ seq }) => seq > this.#rows.seq)
      .sort((a, b) => a.seq - b.seq)
      .map(fromConsumer)
    await this.#apply(news)
    // A gap; or a database that has lost what it had (a crash, a restored backup): what is missing is read.
    await this.#catchUp(newest.seq, signal, enter)
    newest.ack() // ack policy `all`: and all before it
  }

  async #catchUp(upTo: number, signal: AbortSignal, enter: Following['enter']): Promise<void> {
    for (let frames = 0, said = 0; this.#rows.seq < upTo && !signal.aborted; ) {
      await this.#options.room?.(signal)
      const batch = await framesAfter(this.#options.broker, this.#rows.seq, upTo)
      if (batch.length === 0) break
      await this.#apply(batch)
      frames += batch.length
      enter({ kind: 'catching up', seq: this.#rows.seq, of: Math.max(upTo, this.#rows.seq) })
      if (frames - said < saidEvery) continue
      said = frames
      this.#options.log.info({ seq: this.#rows.seq, of: upTo }, 'the session index catches up')
    }
  }

  async #apply(batch: readonly StoredFrame[]): Promise<void> {
    const { db, log } = this.#options
    if (batch.length === 0) return
    await this.#rows.apply(db, batch)
    this.#appliedAt = performance.now()
    for (const { seq, subject, owner, frame } of batch) // I2
      if (!owner) log.warn({ seq, subject }, 'a message of SES belongs to no session')
      else if (frame?.fault) log.warn({ seq, session: owner.session, fault: frame.fault }, 'a frame is none')
  }

  /** I4. One batch, or, where there is nothing left to read, the end. */
  async #rebuildOn(stream: string): Promise<void> {
    const { broker, db, log } = this.#options
    if (this.#progress.kind !== 'running') return
    if (!this.#rebuilding) {
      log.info({ of: this.#rows.seq }, 'the session index is rebuilt')
      await this.#rebuilt.startOver(db, stream)
      this.#rebuilding = true
    }
    const batch = await framesAfter(broker, this.#rebuilt.seq, this.#rows.seq)
    if (batch.length > 0) {
      await this.#rebuilt.apply(db, batch)
      const frames = this.#progress.frames + batch.length
      this.#progress = { kind: 'running', frames, of: Math.max(this.#rows.seq, frames) }
      if (Math.floor(frames / saidEvery) > Math.floor((frames - batch.length) / saidEvery))
        log.info(this.#progress, 'the session index is being rebuilt')
    } else if (await takeRebuilt(db)) {
      await this.#rows.begin(db, stream)
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
