// What is kept of requests with an Idempotency-Key, in a KV bucket that forgets after 24 h.
//   K1. An entry is created once: of two requests with one key, the second finds the first one's entry.
//   K3. A bucket that holds as much as it may notes no more keys. What it holds stays: whoever repeats a request of the day is recognised.
//   K2. A create whose answer was lost may find its own entry: that reads as "there already, without an outcome", which is safe.
//   K4. A gateway seals what it keeps, for its key. What stands there without a sound seal, or was put there by the broker (LI1 of libs/broker),
//       was put there by whoever stole a password: it answers nobody, and does not let the request happen again either. So it is with a
//       key that was taken away: who forgets one says so, with the time. Said again later, it is not believed. A key that was replaced
//       seals nothing any more: who has it, is not known.
//   K5. What an older version kept has no seal; it counts where it was stored while such a version may have run (KS2 of libs/broker).
import { setTimeout as pause } from 'node:timers/promises'
import { type JetStreamClient, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import {
  type Broker,
  BrokerUnavailable,
  isPutByBroker,
  isStoreFull,
  lastMessage,
  makeHeaders,
  type StoredMessage,
  sealedSince,
  untilAnswered,
} from '@reins/broker'
import { bucketStream, bucketSubject, buckets, requestKeySealText, type SealState, sealHeader } from '@reins/contracts'
import { decodeEntry, encodeEntry, type IdempotencyEntry, type IdempotencyStore } from '../idempotency.ts'

/** A broker that is away is not waited for any longer. */
const createWithinMs = 10_000
/** K4. Between the clock of a gateway and that of the broker, with what it takes to get there. */
const forgottenWithinMs = 10_000

export const idempotencyTtlMs = 24 * 60 * 60 * 1000
const stream = bucketStream(buckets.idempotency)

/** Opens the bucket, making it where it is not there. Keys are hexadecimal digests. */
export async function openIdempotency(
  broker: Broker,
  options: { readonly replicas?: number; readonly now: () => number },
): Promise<IdempotencyStore> {
  const { replicas = 1, now } = options
  // Of three copies the leader may be away for seconds, and what it was asked meanwhile is lost: so it is asked again soon.
  const client = jetstream(broker.nc, { timeout: replicas > 1 ? 1000 : 5000 })
  const settings = { ttl: idempotencyTtlMs, history: 1, replicas }
  await untilAnswered(() => new Kvm(client).create(buckets.idempotency, settings))
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  return new KvIdempotency({ broker, client, now, sealedSince: () => sealedSince(manager, stream) })
}

interface Parts {
  readonly broker: Broker
  readonly client: JetStreamClient
  readonly now: () => number
  readonly sealedSince: () => Promise<number | undefined>
}

/** What stands under a key. `none`: nothing, or one that was forgotten. */
type Kept =
  | { readonly kind: 'none'; readonly seq: number }
  | { readonly kind: 'entry'; readonly entry: IdempotencyEntry }
  | { readonly kind: 'unreadable' }

class KvIdempotency implements IdempotencyStore {
  readonly #parts: Parts
  constructor(parts: Parts) {
    this.#parts = parts
  }

  async create(key: string, entry: IdempotencyEntry): ReturnType<IdempotencyStore['create']> {
    let failed: unknown
    let after = 0
    // An entry can expire between the refusal and the reading: then it is created after all.
    const deadline = performance.now() + createWithinMs
    for (let attempt = 0; attempt < 3 || performance.now() < deadline; attempt++) {
      try {
        await this.#put(key, encodeEntry(entry), after)
        return { kind: 'created' }
      } catch (error) {
        if (isStoreFull(error)) return { kind: 'full' } // K3
        failed = error
        if (attempt > 0) await pause(100)
      }
      const found = await this.#kept(key).catch((error: unknown) => {
        if (performance.now() < deadline) return undefined
        throw new BrokerUnavailable('looking for the Idempotency-Key', { cause: error })
      })
      if (found?.kind === 'entry') return { kind: 'existing', entry: found.entry }
      if (found?.kind === 'unreadable') return found
      after = found?.seq ?? after
    }
    throw new BrokerUnavailable('noting the Idempotency-Key', { cause: failed })
  }

  async complete(key: string, entry: IdempotencyEntry): Promise<void> {
    try {
      await this.#put(key, encodeEntry(entry))
    } catch (error) {
      throw new BrokerUnavailable('noting the outcome for the Idempotency-Key', { cause: error })
    }
  }

  async forget(key: string): Promise<void> {
    try {
      await this.#put(key, String(this.#parts.now()), undefined, [deletedHeader])
    } catch (error) {
      throw new BrokerUnavailable('forgetting the Idempotency-Key', { cause: error })
    }
  }

  async #put(key: string, said: string, after?: number, more: readonly (readonly [string, string])[] = []) {
    const { broker, client } = this.#parts
    const seal = broker.seals.sign('g', requestKeySealText(key, said))
    const headers = makeHeaders([
      ...more,
      ...(seal === undefined ? [] : [[sealHeader, seal] as const]),
      ...(after === undefined ? [] : [['Nats-Expected-Last-Subject-Sequence', String(after)] as const]),
    ])
    await client.publish(bucketSubject(buckets.idempotency, key), said, { headers })
  }

  async #kept(key: string): Promise<Kept> {
    const { broker } = this.#parts
    const found = await lastMessage(broker, stream, bucketSubject(buckets.idempotency, key), { leader: true })
    if (!found) return { kind: 'none', seq: 0 }
    const state = broker.seals.check('g', requestKeySealText(key, found.body), found.header(sealHeader))
    if (isPutByBroker(found.header) || !(await this.#believes(state, found))) return { kind: 'unreadable' } // K4
    const operation = found.header(deletedHeader[0])
    if (operation !== '') return { kind: 'none', seq: found.seq }
    const entry = decodeEntry(found.body)
    return entry ? { kind: 'entry', entry } : { kind: 'unreadable' }
  }

  async #believes(state: SealState, { storedAt, header, body }: StoredMessage): Promise<boolean> {
    if (state === 'unknown') return true
    if (state === 'none') return storedAt < ((await this.#parts.sealedSince()) ?? Number.POSITIVE_INFINITY) // K5
    if (state !== 'sound' || !this.#parts.broker.seals.isNewest('g', header(sealHeader))) return false
    return header(deletedHeader[0]) === '' || Math.abs(storedAt - Number(body)) < forgottenWithinMs
  }
}

/** As clients of buckets delete. */
const deletedHeader = ['KV-Operation', 'DEL'] as const
