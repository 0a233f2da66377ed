// What was answered to a request with an Idempotency-Key (PROTOCOL 3.5), in a KV bucket that forgets after 24 h.
//   K1. An entry is created once: of two requests with one key, the second finds the first one's entry.
//   K2. A create whose answer was lost may find its own entry: that reads as "there already, without an answer", which is safe.
import { type KV, Kvm } from '@nats-io/kv'
import { type Broker, BrokerUnavailable } from '@reins/broker'
import { buckets } from '@reins/contracts'

/** The frame that a keyed request is going to append, noted before it is, and the answer, once it is known. */
export interface IdempotencyEntry {
  /** Digest of the body: the same key with another body is a conflict. */
  readonly body: string
  readonly session: string
  readonly frame: string
  /** The message or cancel that the frame brings. */
  readonly subject: string
  /** The sequence that the frame was first conditional on. */
  readonly prev: number
  readonly answer?: { readonly status: number; readonly body: unknown }
}

export interface IdempotencyStore {
  /** Rejects with BrokerUnavailable. */
  create(
    key: string,
    entry: IdempotencyEntry,
  ): Promise<{ readonly kind: 'created' } | { readonly kind: 'existing'; readonly entry: IdempotencyEntry }>
  /** Replaces the entry by one with its answer. Rejects with BrokerUnavailable. */
  complete(key: string, entry: IdempotencyEntry): Promise<void>
  /** The key is as if it had never been used. Rejects with BrokerUnavailable. */
  forget(key: string): Promise<void>
}

export const idempotencyTtlMs = 24 * 60 * 60 * 1000

/** Opens the bucket, making it where it is not there. Keys are hexadecimal digests. */
export async function openIdempotency(
  broker: Broker,
  options: { readonly replicas?: number } = {},
): Promise<IdempotencyStore> {
  const bucket = await new Kvm(broker.nc).create(buckets.idempotency, {
    ttl: idempotencyTtlMs,
    history: 1,
    replicas: options.replicas ?? 1,
  })
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
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        await this.#bucket.create(key, JSON.stringify(entry))
        return { kind: 'created' }
      } catch (error) {
        failed = error
      }
      const found = await this.#bucket.get(key).catch((error: unknown) => {
        throw new BrokerUnavailable('looking for the Idempotency-Key', { cause: error })
      })
      if (found?.operation === 'PUT') return { kind: 'existing', entry: found.json<IdempotencyEntry>() }
    }
    throw new BrokerUnavailable('noting the Idempotency-Key', { cause: failed })
  }

  async complete(key: string, entry: IdempotencyEntry): Promise<void> {
    try {
      await this.#bucket.put(key, JSON.stringify(entry))
    } catch (error) {
      throw new BrokerUnavailable('noting the answer for the Idempotency-Key', { cause: error })
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
