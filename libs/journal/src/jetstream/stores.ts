// Snapshots in a KV bucket, blobs in the object store.
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { jetstream } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { Objm } from '@nats-io/obj'
import type { Broker } from '@reins/broker'
import { buckets, objectStores } from '@reins/contracts'
import type { BlobStore, Snapshot, Snapshots } from '../port.ts'

export async function createJetStreamSnapshots(broker: Broker): Promise<Snapshots> {
  const kv = await new Kvm(jetstream(broker.nc)).open(buckets.snapshots)
  return {
    async read(session) {
      const entry = await kv.get(session)
      return entry && entry.length > 0 ? entry.json<Snapshot>() : undefined
    },
    async write(session, snapshot) {
      const value = JSON.stringify(snapshot)
      // Too big for one message: the log alone is read then, which is slower and just as right.
      if (Buffer.byteLength(value) + 1024 > (broker.nc.info?.max_payload ?? 1_048_576)) return
      await kv.put(session, value)
    },
    async delete(session) {
      await kv.delete(session)
    },
  }
}

export async function createJetStreamBlobs(broker: Broker): Promise<BlobStore> {
  const store = await new Objm(jetstream(broker.nc)).open(objectStores.blobs)
  return {
    /** The digest is known only at the end, so the bytes wait in a file. */
    async put(bytes) {
      const file = path.join(tmpdir(), `reins-blob-${randomUUID()}`)
      try {
        const hash = createHash('sha256')
        const source = bytes instanceof Uint8Array ? [bytes] : bytes
        await pipeline(
          source,
          async function* (chunks: AsyncIterable<Uint8Array>) {
            for await (const chunk of chunks) {
              hash.update(chunk)
              yield chunk
            }
          },
          createWriteStream(file, { mode: 0o600, flags: 'wx' }),
        )
        const ref = `sha256-${hash.digest('hex')}`
        if (!(await store.info(ref)))
          await store.put({ name: ref }, Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>)
        return ref
      } finally {
        await rm(file, { force: true })
      }
    },
    async get(ref) {
      const found = await store.get(ref)
      return found ? Readable.fromWeb(found.data as Parameters<typeof Readable.fromWeb>[0]) : undefined
    },
  }
}
