// What is kept of requests with an Idempotency-Key, in a KV bucket that forgets after 24 h.
//   K1. An entry is created once: of two requests with one key, the second finds the first one's entry.
//   K3. A bucket that holds as much as it may notes no more keys. What it holds stays: whoever repeats a request of the day is recognised.
//   K2. A create whose answer was lost may find its own entry: that reads as "there already, without an outcome", which is safe.
import { setTimeout as pause } from 'node:timers/promises'
import { jetstream } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import { type Broker, BrokerUnavailable, isStoreFull, untilAnswered } from '@reins/broker'
import { buckets } from '@reins/contracts'
import { decodeEntry, encodeEntry, type IdempotencyEntry, type IdempotencyStore } from '../idempotency.ts'

/** A broker that is away is not waited for any longer. */
const createWithinMs = 10_000

export const idempotencyTtlMs = 24 * 60 * 60 * 1000

/** Opens the bucket, making it where it is not there. Keys are hexadecimal digests. */
export async function openIdempotency(
  broker: Broker,
  options: { readonly replicas?: number } = {},
): Promise<IdempotencyStore> {
  const { replicas = 1 } = options
  // Of three copies the leader may be away for seconds, and what it was asked meanwhile is lost: so it is asked again soon.
  const client = jetstream(broker.nc, { timeout: replicas > 1 ? 1000 : 5000 })
  const settings = { ttl: idempotencyTtlMs, history: 1, replicas }
  const bucket = await untilAnswered(() => new Kvm(client).create(buckets.idempotency, settings))
  return new KvIdempotency(bucket)
}

class KvIdempotency implements IdempotencyStore {
  readonly #bucket: KV
  constructor(bucket: KV) {
    this.#bucket = bucket
  }

  async create(key: string, entry: IdempotencyEntry): ReturnType<IdempotencyStore['create']> {
    let failed: unknown
    // An entry can expire between the refusal and the reading: then it is created after all.
    const deadline = performance.now() + createWithinMs
    for (let attempt = 0; attempt < 3 || performance.now() < deadline; attempt++) {
      try {
        await this.#bucket.create(key, encodeEntry(entry))
        return { kind: 'created' }
      } catch (error) {
        if (isStoreFull(error)) return { kind: 'full' } // K3
        failed = error
        if (attempt > 0) await pause(100)
      }
      const found = await this.#bucket.get(key).catch((error: unknown) => {
        if (performance.now() < deadline) return undefined
        throw new BrokerUnavailable('looking for the Idempotency-Key', { cause: error })
      })
      if (found?.operation === 'PUT') {
        const kept = decodeEntry(found.string())
        return kept ? { kind: 'existing', entry: kept } : { kind: 'unreadable' }
      }
    }
    throw new BrokerUnavailable('noting the Idempotency-Key', { cause: failed })
  }

  async complete(key: string, entry: IdempotencyEntry): Promise<void> {
    try {
      await this.#bucket.put(key, encodeEntry(entry))
    } catch (error) {
      throw new BrokerUnavailable('noting the outcome for the Idempotency-Key', { cause: error })
    }
  }

  async forget(key: string): Promise<void> {
    try {
      await this.#bucket.delete(key)
    } catch (error) {
      throw new BrokerUnavailable('forgetting the Idempotency-Key', { cause: error })
    }
  }
}
