// A stream as rows in Postgres, for lists. Derived: drop the tables, and they are made again.
//   FS1. Rows and the sequence that they account for are committed together; what is committed is never applied again.
//   FS2. A record that is none is passed over, and its sequence is in the log and in the state for as long as the process lives.
//   FS4. A checkpoint behind the end of its stream is none of that stream's, whoever wrote it: it would hide what is still to come.
//   FS3. Postgres may be away at any moment, at the start too: the projection goes on from its checkpoint when it is back.
import { DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type Broker, BrokerUnavailable } from '@reins/broker'
import type { Log } from '@reins/telemetry'
import type { Kysely, Transaction } from 'kysely'
import type { Applicable, Checkpoint } from './checkpoint.ts'
import { type Following, type ProjectionLoop, type ProjectionState, runLoop, Unprojectable } from './loop.ts'
import { SeqWaiters } from './seq-waiters.ts'

export interface FollowedStreamOptions<Tables> {
  /** As the log names it: `the index of memories`. */
  readonly what: string
  readonly broker: Broker
  readonly db: Kysely<Tables>
  readonly log: Log
  readonly stream: string
  /** Default: every subject of the stream. */
  readonly subjects?: readonly string[]
  readonly checkpoint: Checkpoint<Tables>
  /** Makes the tables that are missing; called each time that the projection begins to follow. */
  prepare(db: Kysely<Tables>): Promise<void>
  /** Writes the rows of one record. Throws `Unprojectable` where no rule can apply it (FS2). */
  apply(trx: Transaction<Tables>, message: JsMsg): Promise<void>
}

export interface FollowedStream {
  state(): ProjectionState
  /** Resolves once it has begun, or failed to, and after so many ms at the latest. */
  begun(withinMs: number): Promise<void>
  /** Whether the rows account for `seq` (of a subject that is followed) within so many ms. */
  waitFor(seq: number, withinMs: number): Promise<boolean>
  /** Resolves when nothing is written any more. */
  close(): Promise<void>
}

interface Batched extends Applicable {
  readonly message: JsMsg
}

const batchSize = 200
const mostPassedOver = 1000
// A request that is lost with its connection is not answered: the sooner it is sent again, the sooner things go on.
const apiMs = 2000

/** Runs until closed; the caller closes it before the database. */
export function followStream<Tables>(options: FollowedStreamOptions<Tables>): FollowedStream {
  return new Follower(options)
}

class Follower<Tables> implements FollowedStream {
  readonly #options: FollowedStreamOptions<Tables>
  readonly #loop: ProjectionLoop
  readonly #waiters = new SeqWaiters()
  /** FS2. By sequence, the latest last. */
  readonly #passedOver = new Map<number, string>()

  constructor(options: FollowedStreamOptions<Tables>) {
    this.#options = options
    const { what, log } = options
    this.#loop = runLoop({ what, log, follow: (following) => this.#follow(following) })
  }

  state(): ProjectionState {
    const state = this.#loop.state()
    const why = [...this.#passedOver.values()].at(-1)
    return state.kind !== 'following' || why === undefined
      ? state
      : { ...state, passedOver: { count: this.#passedOver.size, why } }
  }

  /** Until something fails or it is closed. */
  async #follow({ signal, enter, progressed }: Following): Promise<void> {
    const { what, broker, db, log, stream, subjects, checkpoint, prepare } = this.#options
    await prepare(db)
    const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: apiMs })
    const look = () =>
      manager.streams.info(stream).catch((cause: unknown) => {
        throw new BrokerUnavailable(`looking for the stream ${stream}`, { cause })
      })
    const { created } = await look()
    let begun = await checkpoint.startingPoint(db, created)
    if (begun > (await look()).state.last_seq) {
      log.warn({ seq: begun }, `${what} says that it is beyond its stream: it is made again`)
      await checkpoint.startOver(db, created)
      begun = 0
    }
    const consumer = await jetstream(broker.nc, { timeout: apiMs }).consumers.get(stream, {
      ...(subjects ? { filter_subjects: [...subjects] } : {}),
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: begun + 1,
    })
    const messages = await consumer.consume({ max_messages: batchSize, expires: 5000, idle_heartbeat: 1000 })
    const stopped = () => void messages.close()
    signal.addEventListener('abort', stopped)
    if (signal.aborted) stopped() // It may have been closed while it began.
    log.info({ seq: begun }, `${what} follows`)
    enter({ kind: 'following' })
    this.#waiters.reached(begun)
    try {
      let previous = begun
      let batch: Batched[] = []
      for await (const message of messages) {
        if (signal.aborted) return
        batch.push({ seq: message.seq, previous, message })
        previous = message.seq
        if (message.info.pending > 0 && batch.length < batchSize) continue
        await this.#apply(batch, previous)
        progressed()
        batch = []
      }
    } finally {
      signal.removeEventListener('abort', stopped)
      void messages.close()
      void consumer.delete().catch(() => {}) // else the server forgets it by itself
    }
  }

  async #apply(batch: readonly Batched[], last: number): Promise<void> {
    const { what, db, log, checkpoint, apply } = this.#options
    const seq = await checkpoint.advance(db, batch, async (trx, news) => {
      for (const { seq, message } of news)
        await apply(trx, message).catch((error: unknown) => {
          if (!(error instanceof Unprojectable)) throw error
          if (!this.#passedOver.has(seq)) log.error({ err: error.message }, `${what} passes over a record`)
          if (this.#passedOver.size < mostPassedOver) this.#passedOver.set(seq, error.message)
        })
    })
    this.#waiters.reached(seq)
    if (seq < last) throw new Error(`the checkpoint went back to ${seq}: ${what} is read on from there`)
  }

  begun(withinMs: number): Promise<void> {
    return this.#loop.begun(withinMs)
  }

  waitFor(seq: number, withinMs: number): Promise<boolean> {
    return this.#waiters.waitFor(seq, withinMs)
  }

  close(): Promise<void> {
    return this.#loop.close()
  }
}
