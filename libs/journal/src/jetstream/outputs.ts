// Kept outputs in the object store: each under its session and its digest, so that what belongs to a session can be found and removed.
//   O1. A session keeps `maxOutputBytesOfSession` in all; what comes then is cut, and whoever keeps it is told by how much. The count
//       lies beside the outputs, by the day; two processes that keep at the same moment may go beyond it by one output.
//   O2. The bucket drops what is older than `outputsKeptMs`, and the count forgets it then.
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { jetstream } from '@nats-io/jetstream'
import { type ObjectStore, Objm } from '@nats-io/obj'
import type { Broker } from '@reins/broker'
import { maxOutputBytesOfSession, objectStores, outputsKeptMs } from '@reins/contracts'
import type { OutputStore } from '../port.ts'

const dayMs = 24 * 3_600_000
const nameOf = (session: string, ref: string): string => `${session}/${ref}`
/** Bytes by the day, in the metadata of an object without bytes. */
const countOf = (session: string): string => `${session}/kept`

export async function createJetStreamOutputs(broker: Broker, now: () => number): Promise<OutputStore> {
  const store = await new Objm(jetstream(broker.nc)).open(objectStores.outputs)
  return {
    /** The digest is known only at the end, so the bytes wait in a file. */
    async put(session, bytes) {
      const file = path.join(tmpdir(), `reins-output-${randomUUID()}`)
      const days = await keptByDay(store, session, now())
      const room = maxOutputBytesOfSession - Object.values(days).reduce((sum, of) => sum + of, 0)
      let size = 0
      let dropped = 0
      try {
        const hash = createHash('sha256')
        await pipeline(
          bytes instanceof Uint8Array ? [bytes] : bytes,
          async function* (chunks: AsyncIterable<Uint8Array>) {
            for await (const chunk of chunks) {
              const taken = chunk.subarray(0, Math.max(0, room - size)) // O1
              size += taken.length
              dropped += chunk.length - taken.length
              hash.update(taken)
              yield taken
            }
          },
          createWriteStream(file, { mode: 0o600, flags: 'wx' }),
        )
        if (size === 0) return { ref: undefined, dropped }
        const ref = `sha256-${hash.digest('hex')}`
        const name = nameOf(session, ref)
        if (!(await store.info(name))) {
          await store.put({ name }, Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>)
          await count(store, session, { ...days, [today(now())]: (days[today(now())] ?? 0) + size })
        }
        return { ref, dropped }
      } finally {
        await rm(file, { force: true })
      }
    },
    async get(session, ref) {
      const found = await store.get(nameOf(session, ref))
      if (!found) return undefined
      // Whoever leaves before the end ends the reading with it.
      return { size: found.info.size, bytes: found.data as unknown as AsyncIterable<Uint8Array> }
    },
  }
}

const today = (at: number): string => String(Math.floor(at / dayMs))

/** O2. What cannot be read counts as nothing. */
async function keptByDay(store: ObjectStore, session: string, at: number): Promise<Record<string, number>> {
  const info = await store.info(countOf(session))
  const days: Record<string, number> = {}
  for (const [day, bytes] of Object.entries(info?.metadata ?? {}))
    if ((Number(day) + 1) * dayMs + outputsKeptMs > at && Number(bytes) > 0) days[day] = Number(bytes)
  return days
}

async function count(store: ObjectStore, session: string, days: Readonly<Record<string, number>>): Promise<void> {
  const name = countOf(session)
  const metadata = Object.fromEntries(Object.entries(days).map(([day, bytes]) => [day, String(bytes)]))
  if (await store.info(name)) await store.update(name, { name, metadata })
  else await store.put({ name, metadata }, new Blob([]).stream() as ReadableStream<Uint8Array>)
}
