// REG's agents and versions as rows in Postgres, for lists. Derived: drop the tables, and they are made again.
//   P1. Rows and the sequence that they account for are committed together; what is committed is never applied again.
//   P2. A malformed record is never skipped: the projection stops at it, and says its sequence until it is started anew.
//   P3. Postgres may be away at any moment, at the start too: the projection goes on from its checkpoint when it is back.

import { DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type Broker, BrokerUnavailable } from '@reins/broker'
import { registryKindFilter, streams } from '@reins/contracts'
import { parseAgent, parseVersion } from '@reins/journal'
import {
  type Applicable,
  type Following,
  migrate,
  type ProjectionLoop,
  type ProjectionState,
  runLoop,
  Unprojectable,
} from '@reins/projection'
import type { Log } from '@reins/telemetry'
import type { Kysely } from 'kysely'
import { type Database, migrations, projected, type Tables } from './tables.ts'

export interface Projection {
  state(): ProjectionState
  /** Whether the rows account for `seq` (of an agent or a version) within `withinMs`. */
  waitFor(seq: number, withinMs: number): Promise<boolean>
  close(): Promise<void>
}

interface ProjectionOptions {
  readonly broker: Broker
  readonly db: Database
  readonly log: Log
}

interface Record extends Applicable {
  readonly message: JsMsg
}

const batchSize = 200
// A request that is lost with its connection is not answered: the sooner it is sent again, the sooner things go on.
const apiMs = 2000

/** Runs until closed; the caller closes it before the database. */
export function runProjection(options: ProjectionOptions): Projection {
  return new Runner(options)
}

class Runner implements Projection {
  readonly #options: ProjectionOptions
  readonly #loop: ProjectionLoop
  readonly #waiting = new Set<{ seq: number; resolve: () => void }>()
  #seq = 0

  constructor(options: ProjectionOptions) {
    this.#options = options
    this.#loop = runLoop({
      what: 'the projection of the registry',
      log: options.log,
      follow: (following) => this.#follow(following),
    })
  }

  state(): ProjectionState {
    return this.#loop.state()
  }

  /** Until something fails or it is closed. */
  async #follow({ signal, enter, progressed }: Following): Promise<void> {
    const { broker, db, log } = this.#options
    await migrate(db, 'registry', migrations)
    const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: apiMs })
    const { created } = await manager.streams.info(streams.registry).catch((cause: unknown) => {
      throw new BrokerUnavailable(`looking for the stream ${streams.registry}`, { cause })
    })
    this.#seq = await projected.startingPoint(db, created)
    const consumer = await jetstream(broker.nc, { timeout: apiMs }).consumers.get(streams.registry, {
      filter_subjects: [registryKindFilter('agent'), registryKindFilter('version')],
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#seq + 1,
    })
    const messages = await consumer.consume({ max_messages: batchSize, expires: 5000, idle_heartbeat: 1000 })
    const stopped = () => void messages.close()
    signal.addEventListener('abort', stopped)
    log.info({ seq: this.#seq }, 'the projection of the registry follows')
    enter({ kind: 'following' })
    this.#wake()
    try {
      let previous = this.#seq
      let batch: Record[] = []
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

  async #apply(batch: readonly Record[]): Promise<void> {
    this.#seq = await projected.advance(this.#options.db, batch, async (trx, news) => {
      for (const { message } of news) await applyOne(trx, message)
    })
    const last = batch.at(-1)?.seq ?? 0
    if (this.#seq < last)
      throw new Error(`the checkpoint went back to ${this.#seq}: the projection is read on from there`)
    this.#wake()
  }

  #wake(): void {
    for (const waiting of this.#waiting) if (waiting.seq <= this.#seq) waiting.resolve()
  }

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

async function applyOne(trx: Kysely<Tables>, message: JsMsg): Promise<void> {
  const value = parse(message.string())
  if (message.subject.startsWith(registryKindFilter('version').replace(/[*>]$/, ''))) {
    const entry = parseVersion(value)
    if (!entry) throw malformed(message)
    await trx
      .insertInto('agent_definitions')
      .values({ digest: entry.digest, definition: JSON.stringify(entry.definition) })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    return
  }
  const entry = parseAgent(value)
  if (!entry) throw malformed(message)
  const { name, digest, version, deleted, createdAt, updatedAt } = entry
  const state = { digest, version, deleted, created_at: createdAt, updated_at: updatedAt, seq: message.seq }
  await trx
    .insertInto('agents')
    .values({ name, ...state })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(state))
    .execute()
}

const malformed = ({ seq, subject }: JsMsg): Unprojectable =>
  new Unprojectable(
    `the record ${seq} of ${streams.registry} (${subject}) is malformed; the projection does not go past it`,
  )

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
