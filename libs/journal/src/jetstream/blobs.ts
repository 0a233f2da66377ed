// Blobs in the object store, by their digest.
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { jetstream } from '@nats-io/jetstream'
import { Objm } from '@nats-io/obj'
import type { Broker } from '@reins/broker'
import { objectStores } from '@reins/contracts'
import type { BlobStore } from '../port.ts'

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
