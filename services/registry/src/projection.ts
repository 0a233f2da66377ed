// REG's agents and versions as rows in Postgres, for lists and history. Derived: drop the tables, and they are made again.
//   P1. Rows and the sequence that they account for are committed together; what is committed is never applied again.
//   P2. A malformed record is never skipped: the projection stops at it, and says its sequence until it is started anew.
//   P3. Postgres may be away at any moment, at the start too: the projection goes on from its checkpoint when it is back.

import { type ConsumerMessages, DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type Broker, BrokerUnavailable } from '@reins/broker'
import { registryKindFilter, streams } from '@reins/contracts'
import { parseAgent, parseVersion } from '@reins/journal'
import type { Log } from '@reins/telemetry'
import { type Database, isAway, migrate } from './database.ts'

export type ProjectionState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'following' }
  | { readonly kind: 'waiting'; readonly why: string }
  | { readonly kind: 'stopped'; readonly why: string }

export interface Projection {
  state(): ProjectionState
  /** Whether the rows account for `seq` (of an agent or a version) within `withinMs`. */
  waitFor(seq: number, withinMs: number): Promise<boolean>
  close(): Promise<void>
}

class MalformedRecord extends Error {
  constructor(seq: number, subject: string) {
    super(`the record ${seq} of ${streams.registry} (${subject}) is malformed; the projection does not go past it`)
  }
}

interface ProjectionOptions {
  readonly broker: Broker
  readonly db: Database
  readonly log: Log
}

const batchSize = 200
// A request that is lost with its connection is not answered: the sooner it is sent again, the sooner things go on.
const apiMs = 2000
const longestPauseMs = 3000

/** Runs until closed; the caller closes it before the database. */
export function runProjection(options: ProjectionOptions): Projection {
  return new Runner(options)
}

class Runner implements Projection {
  readonly #options: ProjectionOptions
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  readonly #waiting = new Set<{ seq: number; resolve: () => void }>()
  #state: ProjectionState = { kind: 'starting' }
  #seq = 0
  #messages: ConsumerMessages | undefined

  constructor(options: ProjectionOptions) {
    this.#options = options
    this.#done = this.#run()
  }

  state(): ProjectionState {
    return this.#state
  }

  async #run(): Promise<void> {
    const { log } = this.#options
    for (let wait = 100; !this.#stop.signal.aborted; wait = Math.min(wait * 2, longestPauseMs)) {
      try {
        await this.#follow(() => {
          wait = 100
        })
      } catch (error) {
        if (this.#stop.signal.aborted) return
        const why = error instanceof Error ? error.message : String(error)
        if (error instanceof MalformedRecord) {
          this.#state = { kind: 'stopped', why }
          log.error({ err: why }, 'the projection of the registry has stopped')
          return // P2
        }
        const away = isAway(error)
        if (this.#state.kind !== 'waiting')
          log.warn({ err: why }, 'the projection of the registry waits, and tries again')
        this.#state = { kind: 'waiting', why: away ? 'Postgres does not answer' : why }
      }
      await this.#pause(wait)
    }
  }

  /** Until something fails or it is closed. */
  async #follow(onProgress: () => void): Promise<void> {
    const { broker, db, log } = this.#options
    await migrate(db)
    const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: apiMs })
    const { created } = await manager.streams.info(streams.registry).catch((cause: unknown) => {
      throw new BrokerUnavailable(`looking for the stream ${streams.registry}`, { cause })
    })
    this.#seq = await startingPoint(db, created)
    const consumer = await jetstream(broker.nc, { timeout: apiMs }).consumers.get(streams.registry, {
      filter_subjects: [registryKindFilter('agent'), registryKindFilter('version')],
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#seq + 1,
    })
    const messages = await consumer.consume({ max_messages: batchSize, expires: 5000, idle_heartbeat: 1000 })
    this.#messages = messages
    if (this.#state.kind !== 'following') log.info({ seq: this.#seq }, 'the projection of the registry follows')
    this.#state = { kind: 'following' }
    this.#wake()
    try {
      const batch: JsMsg[] = []
      for await (const message of messages) {
        if (this.#stop.signal.aborted) return
        batch.push(message)
        if (message.info.pending > 0 && batch.length < batchSize) continue
        await apply(db, batch)
        this.#seq = message.seq
        this.#wake()
        onProgress()
        batch.length = 0
      }
    } finally {
      void messages.close()
      void consumer.delete().catch(() => {}) // else the server forgets it by itself
    }
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

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#stop.signal.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  async close(): Promise<void> {
    this.#stop.abort()
    void this.#messages?.close()
    await this.#done
  }
}

/** The sequence that the rows account for; 0, with no rows, where they are of another REG. */
async function startingPoint(db: Database, stream: string): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const row = await trx
      .selectFrom('registry_checkpoint')
      .selectAll()
      .where('id', '=', 1)
      .forUpdate()
      .executeTakeFirst()
    if (row?.stream === stream) return row.seq
    for (const table of ['agents', 'agent_versions', 'agent_definitions'] as const)
      await trx.deleteFrom(table).execute()
    await trx
      .insertInto('registry_checkpoint')
      .values({ id: 1, seq: 0, stream })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ seq: 0, stream }))
      .execute()
    return 0
  })
}

/** P1. Another instance may have been faster: what the checkpoint says wins. */
async function apply(db: Database, batch: readonly JsMsg[]): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const row = await trx
      .selectFrom('registry_checkpoint')
      .select('seq')
      .where('id', '=', 1)
      .forUpdate()
      .executeTakeFirstOrThrow()
    for (const message of batch) if (message.seq > row.seq) await applyOne(trx, message)
    const last = Math.max(row.seq, ...batch.map(({ seq }) => seq))
    await trx.updateTable('registry_checkpoint').set({ seq: last }).where('id', '=', 1).execute()
  })
}

async function applyOne(trx: Database, message: JsMsg): Promise<void> {
  const value = parse(message.string())
  if (message.subject.startsWith('reg.version.')) {
    const entry = parseVersion(value)
    if (!entry) throw new MalformedRecord(message.seq, message.subject)
    await trx
      .insertInto('agent_definitions')
      .values({ digest: entry.digest, definition: JSON.stringify(entry.definition) })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    return
  }
  const entry = parseAgent(value)
  if (!entry) throw new MalformedRecord(message.seq, message.subject)
  const { name, digest, version, deleted, createdAt, updatedAt, by } = entry
  const state = { digest, version, deleted, created_at: createdAt, updated_at: updatedAt, seq: message.seq }
  await trx
    .insertInto('agents')
    .values({ name, ...state })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(state))
    .execute()
  if (deleted) return
  await trx
    .insertInto('agent_versions')
    .values({ name, version, digest, at: updatedAt, by })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
