// What the broker itself is to hold on to in its stores, whoever writes there.
//   KS1. A message can say that it takes the place of all others (a rollup). In a bucket nobody of ours says so, so the broker refuses it: what
//        an entry was is lost by a newer one of the same key alone.
//   KS2. Stores whose messages are sealed were there before the seals. Their settings, which the registry's user alone may change, say until
//        when a message without one was stored by an older version. A store that is new has no such messages; in one that holds some, older
//        processes may go on for a while beside newer ones.
import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream'
import { bucketStream, buckets, fieldsOf, streams } from '@reins/contracts'

type Manager = Pick<JetStreamManager, 'streams'>

const withoutRollups: readonly string[] = [buckets.snapshots, buckets.pools, buckets.idempotency].map(bucketStream)
const sealed: readonly string[] = [bucketStream(buckets.idempotency), streams.memories]
const sealedFrom = 'reins-sealed-from'
const besideOlderMs = 24 * 3_600_000

/** For whoever may change settings of streams. Rejects where the server does not answer. */
export async function keepStores(manager: Manager): Promise<void> {
  for (const stream of new Set([...withoutRollups, ...sealed])) {
    const info = await manager.streams.info(stream)
    const { config, state } = info
    const now = Date.parse(String(fieldsOf(info).ts)) // of the server, as what it says of each message
    const rolls = withoutRollups.includes(stream) && config.allow_rollup_hdrs
    const marked = !sealed.includes(stream) || Number.isNaN(now) || config.metadata?.[sealedFrom] !== undefined
    if (!rolls && marked) continue
    const from = String(state.messages === 0 ? now : now + besideOlderMs)
    await manager.streams
      .update(stream, {
        ...(rolls ? { allow_rollup_hdrs: false } : {}),
        ...(marked ? {} : { metadata: { ...config.metadata, [sealedFrom]: from } }),
      })
      .catch(tolerated)
  }
}

/** KS2. epoch ms; undefined: nobody has said so yet. Rejects where the server does not answer. */
export async function sealedSince(manager: Manager, stream: string): Promise<number | undefined> {
  const { config } = await manager.streams.info(stream)
  const from = config.metadata?.[sealedFrom]
  return from !== undefined && /^\d{1,15}$/.test(from) ? Number(from) : undefined
}

/** A server on which a stream cannot be changed leaves it as it is. */
function tolerated(error: unknown): void {
  if (!(error instanceof JetStreamApiError)) throw error
}
