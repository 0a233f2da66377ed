// Kept outputs in the object store: each under its session and its digest, so that what belongs to a session can be found and removed.
//   O1. A session keeps `bytesOfSession` in all; what comes then is cut, and whoever keeps it is told by how much. The count
//       lies beside the outputs, by the day. One output of a session after the other, in a process; only where two processes keep for one
//       session at the same moment (a tool that was taken over from one that still lives) may it keep one output more.
//   O4. What is read is what its reference names: an object of another digest is an output that is not there.
//   O3. A description that is none describes nothing: the client of the broker throws over it, here it is an output that is not there.
//   O5. Its pieces name the session too: when a process dies between them and the description, whoever erases the session finds them.
//   O2. The bucket drops what is older than `keptMs`, and the count forgets it then.
import { createHash, randomUUID } from 'node:crypto'
import { closeSync, createReadStream, createWriteStream, openSync, rmSync } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { jetstream } from '@nats-io/jetstream'
import { type ObjectStore, Objm } from '@nats-io/obj'
import { type Broker, ComparedPieces, objectPieceBytes, storedObject, storeObject, untilAnswered } from '@reins/broker'
import { maxOutputBytesOfSession, objectStores } from '@reins/contracts'
import type { OutputStore } from '../port.ts'

const dayMs = 24 * 3_600_000
const nameOf = (session: string, ref: string): string => `${session}/${ref}`
const refOf = (digest: string): string => `sha256-${digest}`
/** Bytes by the day, in the metadata of an object without bytes. */
const countOf = (session: string): string => `${session}/kept`

export interface JetStreamOutputsOptions {
  /** epoch ms */
  now(): number
  /** As the bucket has it. ms */
  readonly keptMs: number
  /** That a session keeps at most. */
  readonly bytesOfSession: number
  /** Where outputs wait until their digest is known. Absolute, this user's alone. */
  readonly folder: string
}

export async function createJetStreamOutputs(broker: Broker, options: JetStreamOutputsOptions): Promise<OutputStore> {
  const { now, keptMs, bytesOfSession, folder } = options
  const objects = new Objm(jetstream(broker.nc))
  const store = await untilAnswered(() => objects.open(objectStores.outputs))
  const turns = new Turns()
  const known = new ComparedPieces()
  // Of a time when sessions might keep more.
  const mostBytes = Math.max(bytesOfSession, maxOutputBytesOfSession)
  return {
    put: (session, bytes) => turns.take(session, () => put(session, bytes)),
    async get(session, ref) {
      const found = await storedObject(broker, objectStores.outputs, nameOf(session, ref), { mostBytes, known })
      return found && refOf(found.digest) === ref ? found : undefined // O4
    },
  }

  /** The digest is known only at the end, so the bytes wait in a file. It has no name, so that nothing of it is left however this process ends. */
  async function put(session: string, bytes: AsyncIterable<Uint8Array> | Uint8Array): ReturnType<OutputStore['put']> {
    const days = await keptByDay(store, session, { now, keptMs })
    const room = bytesOfSession - Object.values(days).reduce((sum, of) => sum + of, 0)
    let size = 0
    let dropped = 0
    const { fd, reader } = openNameless(folder)
    let unread = true
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
        createWriteStream('', { fd }),
      )
      if (size === 0) return { ref: undefined, dropped }
      const ref = refOf(hash.digest('hex'))
      const as = nameOf(session, ref)
      if (!(await described(() => store.info(as)))) {
        unread = false
        const kept = createReadStream('', { fd: reader, highWaterMark: objectPieceBytes })
        await storeObject(broker, objectStores.outputs, { name: as, owner: session, mtime: now() }, kept) // O5
        await count(store, session, { ...days, [today(now())]: (days[today(now())] ?? 0) + size })
      }
      return { ref, dropped }
    } finally {
      if (unread) closeSync(reader)
    }
  }
}

/** Each descriptor is closed by the stream that uses it, once nothing of it is under way any more. */
function openNameless(folder: string): { readonly fd: number; readonly reader: number } {
  const name = path.join(folder, `output-${randomUUID()}`)
  const fd = openSync(name, 'wx', 0o600)
  try {
    return { fd, reader: openSync(name, 'r') }
  } catch (error) {
    closeSync(fd)
    throw error
  } finally {
    rmSync(name, { force: true })
  }
}

/** O3. What the broker does not answer is no description that is none, and rejects. */
async function described<T>(ask: () => Promise<T | null>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError) return null
    throw error
  }
}

/** O1: whoever keeps for a session waits for whoever keeps for it already. */
class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  take<T>(session: string, run: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(session) ?? Promise.resolve()).then(run, run)
    this.#last.set(session, turn)
    const over = () => void (this.#last.get(session) === turn && this.#last.delete(session))
    turn.then(over, over)
    return turn
  }
}

const today = (at: number): string => String(Math.floor(at / dayMs))

/** O2. What cannot be read counts as nothing. */
async function keptByDay(
  store: ObjectStore,
  session: string,
  { now, keptMs }: Pick<JetStreamOutputsOptions, 'now' | 'keptMs'>,
): Promise<Record<string, number>> {
  const info = await described(() => store.info(countOf(session)))
  const days: Record<string, number> = {}
  for (const [day, bytes] of Object.entries(info?.metadata ?? {}))
    if ((Number(day) + 1) * dayMs + keptMs > now() && Number(bytes) > 0) days[day] = Number(bytes)
  return days
}

async function count(store: ObjectStore, session: string, days: Readonly<Record<string, number>>): Promise<void> {
  const name = countOf(session)
  const metadata = Object.fromEntries(Object.entries(days).map(([day, bytes]) => [day, String(bytes)]))
  if (await described(() => store.info(name))) await store.update(name, { name, metadata })
  else await store.put({ name, metadata }, new Blob([]).stream() as ReadableStream<Uint8Array>)
}
