// The session index: SES as rows in Postgres, in the order of the stream.
//   I1. How far the index is stands in Postgres, in the transaction of the rows. The durable only brings news: what it skips is
//       read from the stream, what it repeats is passed over. So a lost ack, a redelivery, an emptied database change nothing.
//   I2. A frame that is none quarantines its session in the list, and nothing else stops.
//   I3. Postgres may be away at any moment, at the start too: the index goes on from its checkpoint when it is back.
import { type ConsumerMessages, type JsMsg, jetstream } from '@nats-io/jetstream'
import type { Broker } from '@reins/broker'
import { indexDurable, ReinsError, streams } from '@reins/contracts'
import type { Log } from '@reins/telemetry'
import { type Database, isAway, migrate } from './database.ts'
import { apiMs, describeStream, ensureDurable, framesAfter, fromConsumer, type StoredFrame } from './session-stream.ts'
import { applyBatch, startingPoint, startOver } from './session-table.ts'

export type IndexState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'following' }
  | { readonly kind: 'catching up'; readonly seq: number; readonly of: number }
  | { readonly kind: 'waiting'; readonly why: string }

export interface SessionIndex {
  state(): IndexState
  /** The last sequence of SES that the rows account for. */
  seq(): number
  /**
   * Empties the index and reads the whole stream again; two at once are one. Resolves with the number of frames. Rejects with a
   * ReinsError where Postgres or the broker goes away meanwhile: the index then catches up by itself.
   */
  rebuild(): Promise<number>
  close(): Promise<void>
}

export interface SessionIndexOptions {
  readonly broker: Broker
  readonly db: Database
  readonly log: Log
  /** ms that a batch is collected: the index must not compete with the turns that it describes. Default 50. */
  readonly lingerMs?: number
}

interface Rebuild {
  readonly done: Promise<number>
  readonly resolve: (frames: number) => void
  readonly reject: (error: Error) => void
}

/** Of one consumption: why it is over. */
interface Life {
  ended?: string
}

const batchSize = 500
const longestPauseMs = 3000

/** Runs until closed; the caller closes it before the database. */
export function runSessionIndex(options: SessionIndexOptions): SessionIndex {
  return new Runner(options)
}

class Runner implements SessionIndex {
  readonly #options: SessionIndexOptions
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  #state: IndexState = { kind: 'starting' }
  #seq = 0
  #news: JsMsg[] = []
  #wake: () => void = () => {}
  #life: Life = {}
  #rebuild: Rebuild | undefined

  constructor(options: SessionIndexOptions) {
    this.#options = options
    this.#done = this.#run()
  }

  state(): IndexState {
    return this.#state
  }

  seq(): number {
    return this.#seq
  }

  rebuild(): Promise<number> {
    if (this.#rebuild) return this.#rebuild.done
    if (this.#state.kind === 'waiting')
      return Promise.reject(unavailable(`The index cannot be rebuilt now: ${this.#state.why}.`))
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    promise.catch(() => {}) // whoever asked has it too
    this.#rebuild = { done: promise, resolve, reject }
    this.#wake()
    return promise
  }

  async #run(): Promise<void> {
    const { log } = this.#options
    for (let wait = 100; !this.#stop.signal.aborted; wait = Math.min(wait * 2, longestPauseMs)) {
      try {
        await this.#follow(() => {
          wait = 100
        })
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        if (!this.#stop.signal.aborted && this.#state.kind !== 'waiting')
          log.warn({ err: why }, 'the session index waits, and tries again')
        this.#state = { kind: 'waiting', why: isAway(error) ? 'Postgres does not answer' : why }
        this.#endRebuild((rebuild) => rebuild.reject(unavailable(`The rebuild was cut off: ${why}.`)))
      }
      if (!this.#stop.signal.aborted) await this.#pause(wait)
    }
  }

  /** Until something fails or it is closed. */
  async #follow(onProgress: () => void): Promise<void> {
    const { broker, db, log } = this.#options
    await migrate(db)
    const stream = await describeStream(broker)
    this.#seq = await startingPoint(db, stream.identity)
    await ensureDurable(broker, this.#seq)
    this.#news = []
    const life: Life = {}
    this.#life = life
    const messages = await this.#consume(life)
    try {
      await this.#catchUp(stream.lastSeq)
      log.info({ seq: this.#seq }, 'the session index follows')
      while (!this.#stop.signal.aborted) {
        if (life.ended) throw new Error(life.ended)
        this.#state = { kind: 'following' }
        if (this.#rebuild) await this.#runRebuild()
        const batch = this.#news.splice(0, batchSize)
        if (batch.length === 0) await this.#nextNews()
        else await this.#take(batch)
        onProgress()
      }
    } finally {
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
  async #take(batch: readonly JsMsg[]): Promise<void> {
    const newest = batch.reduce((a, b) => (b.seq > a.seq ? b : a))
    const news = batch
      .filter(({ seq }) => seq > this.#seq)
      .sort((a, b) => a.seq - b.seq)
      .map(fromConsumer)
    await this.#apply(news)
    // A gap; or a database that has lost what it had (a crash, a restored backup): what is missing is read.
    await this.#catchUp(newest.seq)
    newest.ack() // ack policy `all`: and all before it
  }

  async #catchUp(upTo: number): Promise<number> {
    let frames = 0
    for (let said = 0; this.#seq < upTo && !this.#stop.signal.aborted; ) {
      const batch = await framesAfter(this.#options.broker, this.#seq, upTo)
      if (batch.length === 0) break
      await this.#apply(batch)
      frames += batch.length
      this.#state = { kind: 'catching up', seq: this.#seq, of: Math.max(upTo, this.#seq) }
      if (frames - said >= 20_000) {
        said = frames
        this.#options.log.info({ seq: this.#seq, of: upTo }, 'the session index catches up')
      }
    }
    return frames
  }

  async #apply(batch: readonly StoredFrame[]): Promise<void> {
    const { db, log } = this.#options
    if (batch.length === 0) return
    this.#seq = await applyBatch(db, batch)
    for (const { seq, subject, owner, frame } of batch) // I2
      if (!owner) log.warn({ seq, subject }, 'a message of SES belongs to no session')
      else if (frame?.fault) log.warn({ seq, session: owner.session, fault: frame.fault }, 'a frame is none')
  }

  async #runRebuild(): Promise<void> {
    const { broker, db, log } = this.#options
    const stream = await describeStream(broker)
    log.info({ of: stream.lastSeq }, 'the session index is rebuilt')
    await startOver(db, stream.identity)
    this.#seq = 0
    const frames = await this.#catchUp(stream.lastSeq)
    log.info({ frames }, 'the session index is whole again')
    this.#endRebuild((rebuild) => rebuild.resolve(frames))
  }

  #endRebuild(end: (rebuild: Rebuild) => void): void {
    const rebuild = this.#rebuild
    this.#rebuild = undefined
    if (rebuild) end(rebuild)
  }

  async #nextNews(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (this.#news.length > 0 || this.#rebuild || this.#life.ended || this.#stop.signal.aborted) resolve()
    })
    this.#wake = () => {}
    if (this.#news.length < batchSize && !this.#rebuild && !this.#life.ended)
      await this.#pause(this.#options.lingerMs ?? 50)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        this.#stop.signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      this.#stop.signal.addEventListener('abort', end)
    })
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await this.#done
    this.#endRebuild((rebuild) => rebuild.reject(unavailable('The rebuild was cut off: memory is stopping.')))
  }
}

const unavailable = (message: string): ReinsError =>
  new ReinsError('unavailable', message, { next: 'Wait until it is back: the index then catches up by itself.' })
