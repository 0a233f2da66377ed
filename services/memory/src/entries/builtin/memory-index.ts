// MEM as rows in Postgres, for lists and search. Derived: drop the tables, and they are made again.
//   MI1. Rows and the sequence that they account for are committed together; what is committed is never applied again.
//   MI2. A malformed record is never skipped: the index stops at it, and says its sequence until it is started anew.
//   MI3. Postgres may be away at any moment, at the start too: the index goes on from its checkpoint when it is back.
import { DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type Broker, BrokerUnavailable } from '@reins/broker'
import { streams } from '@reins/contracts'
import {
  type Applicable,
  checkpointIn,
  type Following,
  migrate,
  type ProjectionLoop,
  type ProjectionState,
  runLoop,
  Unprojectable,
} from '@reins/projection'
import type { Log } from '@reins/telemetry'
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Db, EntryRows, trigramsIn } from '../postgres/entry-rows.ts'
import { parseRecord } from './memory-log.ts'

export const indexedRows = new EntryRows('memory_entries')

// biome-ignore lint/suspicious/noExplicitAny: as Db
const indexed = checkpointIn<any>('memory_entries_checkpoint', (trx) => indexedRows.clearAll(trx))

const migrations: Record<string, Migration> = {
  '001-entries': {
    async up(db: Kysely<unknown>) {
      await indexedRows.create(db)
      await indexed.create(db)
    },
  },
}

interface Waiting {
  readonly seq: number
  resolve(): void
}

interface Batched extends Applicable {
  readonly message: JsMsg
}

const batchSize = 200
// A request that is lost with its connection is not answered: the sooner it is sent again, the sooner things go on.
const apiMs = 2000

/** Runs until closed; the caller closes it before the database. */
export class MemoryIndex {
  readonly #broker: Broker
  readonly #db: Db
  readonly #loop: ProjectionLoop
  readonly #waiting = new Set<Waiting>()
  #seq = 0
  #trigrams = false

  constructor({ broker, db, log }: { readonly broker: Broker; readonly db: Db; readonly log: Log }) {
    this.#broker = broker
    this.#db = db
    this.#loop = runLoop({ what: 'the index of memories', log, follow: (following) => this.#follow(following) })
  }

  state(): ProjectionState {
    return this.#loop.state()
  }

  /** Whether words are searched by trigrams too. */
  get trigrams(): boolean {
    return this.#trigrams
  }

  async #follow({ signal, enter, progressed }: Following): Promise<void> {
    await migrate(this.#db, 'memory_entries', migrations)
    this.#trigrams = await trigramsIn(this.#db)
    const manager = await jetstreamManager(this.#broker.nc, { checkAPI: false, timeout: apiMs })
    const { created } = await manager.streams.info(streams.memories).catch((cause: unknown) => {
      throw new BrokerUnavailable(`looking for the stream ${streams.memories}`, { cause })
    })
    this.#seq = await indexed.startingPoint(this.#db, created)
    const consumer = await jetstream(this.#broker.nc, { timeout: apiMs }).consumers.get(streams.memories, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#seq + 1,
    })
    const messages = await consumer.consume({ max_messages: batchSize, expires: 5000, idle_heartbeat: 1000 })
    const stopped = () => void messages.close()
    signal.addEventListener('abort', stopped)
    enter({ kind: 'following' })
    this.#wake()
    try {
      let previous = this.#seq
      let batch: Batched[] = []
      for await (const message of messages) {
        if (signal.aborted) return
        batch.push({ seq: message.seq, previous, message })
        previous = message.seq
        if (message.info.pending > 0 && batch.length < batchSize) continue
        await this.#apply(batch)
        progressed()
        batch = []
      }
    } finally {
      signal.removeEventListener('abort', stopped)
      void messages.close()
      void consumer.delete().catch(() => {}) // else the server forgets it by itself
    }
  }

  async #apply(batch: readonly Batched[]): Promise<void> {
    this.#seq = await indexed.advance(this.#db, batch, async (trx, news) => {
      for (const { message } of news) {
        const record = parseRecord(message.string())
        if (!record)
          throw new Unprojectable(
            `the record ${message.seq} of ${streams.memories} is malformed; the index does not go past it`,
          )
        await indexedRows.write(trx, record)
      }
    })
    if (this.#seq < (batch.at(-1)?.seq ?? 0))
      throw new Error(`the checkpoint went back to ${this.#seq}: the index is read on from there`)
    this.#wake()
  }

  #wake(): void {
    for (const waiting of this.#waiting) if (waiting.seq <= this.#seq) waiting.resolve()
  }

  /** Whether the rows account for `seq` within so many ms. */
  waitFor(seq: number, withinMs: number): Promise<boolean> {
    if (seq <= this.#seq) return Promise.resolve(true)
    return new Promise((resolve) => {
      const done = (passed: boolean) => {
        clearTimeout(timer)
        this.#waiting.delete(waiting)
        resolve(passed)
      }
      const waiting = { seq, resolve: () => done(true) }
      const timer = setTimeout(() => done(false), withinMs)
      this.#waiting.add(waiting)
    })
  }

  close(): Promise<void> {
    return this.#loop.close()
  }
}
