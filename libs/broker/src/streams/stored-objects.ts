// Reading objects of an object store, and writing those that belong to somebody. The client of the broker reads each by a consumer, which the server keeps for five minutes, and a
// stream has room for a thousand: then whoever reads stands still. Here each piece is asked of the leader, and nothing stays behind.
//   SO1. An object is what its description says, to the byte: who reads to the end has read that many bytes, of that digest, or was told.
//   SO5. Whoever reads a part has read bytes of that digest too: the whole is read and compared once, and after that the pieces have to be the
//        same messages of the stream, whose bytes nobody changes. What was compared is remembered, the latest of it.
//   SO2. Nothing of an object is read that is larger than its reader takes, whatever its description says: others may write there.
//   SO3. A description that is none describes nothing: there is no such object.
//   SO4. The pieces of an object name its owner, and not its description alone: whoever dies between them leaves pieces that are found.
import { createHash, randomUUID } from 'node:crypto'
import { fieldsOf, jsonValue, objectChunksSubject, objectInfoSubject, objectStream } from '@reins/contracts'
import type { Broker } from '../connection/broker.ts'
import { makeHeaders } from '../connection/message-headers.ts'
import { BrokerUnavailable } from '../connection/unavailable.ts'
import { publishReply } from './publish-reply.ts'
import { lastMessage, nextBytes } from './stored-messages.ts'

export interface StoredObject {
  readonly size: number
  /** SHA-256 of the bytes, as hex digits. */
  readonly digest: string
  /** Rejects with BrokerUnavailable, and where the object is damaged (SO1), or a piece of it was removed meanwhile. */
  readonly bytes: AsyncIterable<Uint8Array>
  /** The same, for whoever may not read to the end (SO5). */
  readonly compared: AsyncIterable<Uint8Array>
}

export interface ObjectLimits {
  /** Whoever takes no more than that (SO2). */
  readonly mostBytes: number
  /** SO5. Default: nothing is remembered. */
  readonly known?: ComparedPieces
}

/** SO5. The sequences of the pieces of an object, by its digest and by where they are. */
export class ComparedPieces {
  readonly #most: number
  readonly #sequences = new Map<string, readonly number[]>()

  constructor(most = 1000) {
    this.#most = most
  }

  of(pieces: string): readonly number[] | undefined {
    return this.#sequences.get(pieces)
  }

  remember(pieces: string, sequences: readonly number[]): void {
    this.#sequences.delete(pieces)
    this.#sequences.set(pieces, sequences)
    const [oldest] = this.#sequences.keys()
    if (this.#sequences.size > this.#most && oldest !== undefined) this.#sequences.delete(oldest)
  }
}

/** A piece of it is not there any more: it expired, or was erased. */
export class ObjectGone extends Error {
  constructor(store: string, name: string) {
    super(`${name} in ${store} is not whole any more: it was removed, or it has expired.`)
    this.name = 'ObjectGone'
  }
}

/** undefined: it is not there. Its bytes are read when they are asked for, piece by piece. Rejects with BrokerUnavailable, or as SO2 says. */
export async function storedObject(
  broker: Broker,
  store: string,
  name: string,
  { mostBytes, known = new ComparedPieces() }: ObjectLimits,
): Promise<StoredObject | undefined> {
  const stream = objectStream(store)
  const last = await lastMessage(broker, stream, objectInfoSubject(store, name), { leader: true })
  const described = describedIn(last?.body)
  if (!described) return undefined
  const { nuid, chunks, size, digest } = described
  if (size > mostBytes)
    throw new Error(
      `${name} in ${store} is said to have ${size} bytes, which is more than the ${mostBytes} that are taken.`,
    )
  const damaged = (): Error => new Error(`${name} in ${store} is damaged: its bytes are not those of its description.`)

  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = createHash('sha256')
    const sequences: number[] = []
    let length = 0
    for (let read = 0; read < chunks; read++) {
      const piece = await nextBytes(broker, stream, objectChunksSubject(store, nuid), { after: sequences.at(-1) ?? 0 })
      if (!piece) throw new ObjectGone(store, name)
      sequences.push(piece.seq)
      length += piece.bytes.length
      if (length > size || piece.bytes.length === 0) throw damaged()
      hash.update(piece.bytes)
      yield piece.bytes
    }
    if (length !== size || hash.digest('hex') !== digest) throw damaged()
    known.remember(`${digest} ${nuid}`, sequences)
  }

  /** SO5. */
  async function* compared(): AsyncGenerator<Uint8Array, void, undefined> {
    const pieces = `${digest} ${nuid}`
    if (!known.of(pieces)) for await (const _ of bytes()); // to the end
    for (const seq of known.of(pieces) ?? []) {
      const piece = await nextBytes(broker, stream, objectChunksSubject(store, nuid), { after: seq - 1 })
      if (!piece) throw new ObjectGone(store, name)
      if (piece.seq !== seq) throw damaged()
      yield piece.bytes
    }
  }

  return { size, digest, bytes: { [Symbol.asyncIterator]: bytes }, compared: { [Symbol.asyncIterator]: compared } }
}

/** A message may hold no more. Whoever gives an object gives pieces of this size, or smaller ones. */
export const objectPieceBytes = 128 * 1024
const storeMs = 5000

/** SO4. Each piece given is one message. Rejects with BrokerUnavailable, or with what the broker says. */
export async function storeObject(
  broker: Broker,
  store: string,
  { name, owner, mtime }: { readonly name: string; readonly owner: string; readonly mtime: number },
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  const put = async (subject: string, payload: string | Uint8Array, headers: readonly [string, string][]) => {
    const outcome = await broker.request(subject, payload, { headers: makeHeaders(headers), withinMs: storeMs })
    if (outcome.kind !== 'reply') throw new BrokerUnavailable(`storing ${name} in ${store}`)
    const { seq, error } = publishReply(outcome.msg.string())
    if (seq === undefined) throw new Error(`the broker does not store ${name} in ${store}: ${error?.description}`)
  }
  const nuid = `${owner}_${randomUUID()}`
  const hash = createHash('sha256')
  let size = 0
  let chunks = 0
  for await (const piece of bytes) {
    hash.update(piece)
    size += piece.length
    chunks++
    await put(objectChunksSubject(store, nuid), piece, [])
  }
  const description = {
    ...{ name, bucket: store, nuid, size, chunks, mtime: new Date(mtime).toISOString(), deleted: false },
    ...{ digest: `SHA-256=${hash.digest('base64url')}=`, options: { max_chunk_size: objectPieceBytes } },
  }
  await put(objectInfoSubject(store, name), JSON.stringify(description), [['Nats-Rollup', 'sub']])
}

/** SO4. '': pieces that the client of the broker has written, which name nobody. */
export function ownerOfPieces(subject: string): string {
  const [owner = '', ...random] = (subject.split('.').at(-1) ?? '').split('_')
  return random.length > 0 ? owner : ''
}

/** undefined: it is not there, or not whole any more. Rejects as `storedObject` does, and where it is damaged. */
export async function objectBytes(
  broker: Broker,
  store: string,
  name: string,
  limits: ObjectLimits,
): Promise<Uint8Array | undefined> {
  const found = await storedObject(broker, store, name, limits)
  if (!found) return undefined
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of found.bytes) pieces.push(piece)
  } catch (error) {
    if (error instanceof ObjectGone) return undefined
    throw error
  }
  return Buffer.concat(pieces, found.size)
}

interface Described {
  readonly nuid: string
  readonly chunks: number
  readonly size: number
  readonly digest: string
}

/** SO3. Links, which nothing here writes, are none either. */
function describedIn(body: string | undefined): Described | undefined {
  if (body === undefined) return undefined
  const { nuid, chunks, size, digest, deleted, options } = fieldsOf(jsonValue(body))
  if (deleted === true || fieldsOf(options).link !== undefined) return undefined
  if (typeof nuid !== 'string' || !/^[A-Za-z0-9_-]+$/.test(nuid)) return undefined
  if (!isCount(chunks) || !isCount(size) || typeof digest !== 'string') return undefined
  const [, said = ''] = /^SHA-256=([A-Za-z0-9_-]{43})=?$/.exec(digest) ?? []
  if (said === '') return undefined
  return { nuid, chunks, size, digest: Buffer.from(said, 'base64url').toString('hex') }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
