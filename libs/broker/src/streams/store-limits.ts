// How many bytes a stream or bucket holds at most, beside what the disk's budget says for all of them.
//   SL1. What somebody counts on for ever has no limit here: sessions, records of the registry, code, memories, timers. Reaching one would
//        drop or refuse what is owed. The budget of the disk holds for them, and the shares of principals.
//   SL2. `refuse`: what is there was promised for a time (an output for days, a key for one), so what comes is refused and that is said.
//        `drop-oldest`: what is there can be derived again, or is only looked at.
//   SL3. A server that cannot set so much aside, and whoever may not change a store, leaves it without a limit. A limit that an operator
//        has set stays.
import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream'
import { bucketStream, buckets, objectStores, objectStream, streams } from '@reins/contracts'

export interface StoreLimit {
  /** The stream on the broker that holds it. */
  readonly stream: string
  readonly bytes: number
  readonly whenFull: 'refuse' | 'drop-oldest'
  /** What people then see, for those that refuse. */
  readonly meaning?: string
}

const mib = 1024 * 1024

export const storeLimits: readonly StoreLimit[] = [
  { stream: bucketStream(buckets.snapshots), bytes: 2048 * mib, whenFull: 'drop-oldest' },
  { stream: streams.deliveries, bytes: 512 * mib, whenFull: 'drop-oldest' },
  {
    stream: objectStream(objectStores.outputs),
    bytes: 4096 * mib,
    whenFull: 'refuse',
    meaning: 'whole outputs of tools are not kept until older ones are dropped',
  },
  {
    stream: bucketStream(buckets.idempotency),
    bytes: 1024 * mib,
    whenFull: 'refuse',
    meaning: 'requests with a new Idempotency-Key are refused until older keys are forgotten',
  },
  {
    stream: bucketStream(buckets.pools),
    bytes: 64 * mib,
    whenFull: 'refuse',
    meaning: 'new pools are served and stand in no list',
  },
]

/** SL3. Rejects where the server does not answer. */
export async function limitStores(
  manager: Pick<JetStreamManager, 'streams'>,
  limits: readonly StoreLimit[] = storeLimits,
): Promise<void> {
  for (const { stream, bytes, whenFull } of limits) {
    const { config } = await manager.streams.info(stream)
    if (config.max_bytes > 0) continue
    const discard = whenFull === 'refuse' ? 'new' : 'old'
    await manager.streams.update(stream, { max_bytes: bytes, discard }).catch(tolerated)
  }
}

/** What a store that refuses says of what comes. */
export const isStoreFull = (error: unknown): boolean =>
  error instanceof JetStreamApiError && /maximum (bytes|messages) exceeded/.test(error.message)

const noRoom = 10047

function tolerated(error: unknown): void {
  if (error instanceof JetStreamApiError && error.code !== noRoom) throw error
}
