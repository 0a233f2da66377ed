// The objects of the archive, read: each is kept in this process for a while, because who reads a session reads it page by page.
//   AO1. Whoever has the password of memory can write where it is said what lies in the archive. So that is believed only where the object is
//        of this session, and the frame that names it goes on behind the last frame that the object holds. What it is compared with was hashed.
//   AO2. Nothing but the broker's absence is worth another try: the rest is `session_unreadable`, and about this session alone.
//   AO3. What is said where sessions lie is read page by page, and what is larger than memory makes it is not held.
import { createHash } from 'node:crypto'
import { jetstream } from '@nats-io/jetstream'
import { type ObjectStore, Objm } from '@nats-io/obj'
import {
  type Broker,
  BrokerUnavailable,
  lastMessage,
  messageAt,
  nextMessage,
  objectBytes,
  type ReadOptions,
  readMessages,
  type StoredMessage,
  untilAnswered,
} from '@reins/broker'
import {
  archivedInTreeFilter,
  archivedSubject,
  type EventData,
  eventsJsonOf,
  type Frame,
  frameHash,
  frameSealText,
  objectStores,
  parseSessionSubject,
  type SessionStreams,
} from '@reins/contracts'
import { archivedIn } from '@reins/session'
import { frameOf } from '../jetstream/frames.ts'
import type { SessionFrame } from '../port.ts'
import { decodeArchive, mostUnpacked } from './archive-file.ts'
import { archiveKey, isSealed, openObject } from './archive-keys.ts'
import { type ArchiveReader, isUnreadable, unreadable } from './archive-reads.ts'

const apiMs = 2000
/** Of compressed bytes: about ten times as much when read. */
const keptBytes = 4 * 1024 * 1024
const mostNamed = 1000
/** AO3. */
const saidAtOnce = 64
const mostSaid = 4096

export const openArchive = (broker: Broker): Promise<ObjectStore> =>
  untilAnswered(() => new Objm(jetstream(broker.nc, { timeout: apiMs })).open(objectStores.archive))

export const archiveDigest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64url')

/** undefined: it is not there, or not whole any more. Rejects with BrokerUnavailable, or session_unreadable where the bytes are others. */
export async function archivedBytes(
  broker: Broker,
  { object, digest }: Pick<EventData<'session.archived'>, 'object' | 'digest'>,
): Promise<Uint8Array | undefined> {
  // Whoever may write objects could have put any there.
  const bytes = await objectBytes(broker, objectStores.archive, object, { mostBytes: mostUnpacked }).catch(
    (error: unknown) => {
      if (error instanceof BrokerUnavailable) throw error
      throw unreadable(error instanceof Error ? error.message : String(error))
    },
  )
  if (bytes === undefined) return undefined
  if (archiveDigest(bytes) !== digest) throw unreadable(`${object} is damaged in the archive.`)
  return bytes
}

/** AO1: what it is said to hold, where that is so. Rejects with session_unreadable, or BrokerUnavailable. */
export async function archivedMessages(
  broker: Broker,
  session: string,
  archived: Frame,
  { bytes, leader }: { readonly bytes: Uint8Array; readonly leader: boolean },
): Promise<readonly StoredMessage[]> {
  const at = archivedIn(archived)
  if (!at) throw unreadable(`Frame ${archived.n} of session ${session} names nothing in the archive.`)
  /** What an older version has written is not encrypted. */
  const plain = async (): Promise<Uint8Array> => {
    if (!isSealed(bytes)) return bytes
    const key = await archiveKey(broker, session, { leader })
    if (!key) throw unreadable(`${at.object} cannot be read: the key of session ${session} is gone.`)
    return openObject(key, at.object, bytes)
  }
  const messages = await plain()
    .then((found) => decodeArchive(session, found))
    .catch((error: unknown) => {
      if (error instanceof BrokerUnavailable || isUnreadable(error)) throw error
      throw unreadable(`${at.object} in the archive is nothing that was put there for session ${session}.`)
    })
  checkJoin(session, archived, framesIn(messages))
  return messages
}

const framesIn = (messages: readonly StoredMessage[]): readonly Frame[] =>
  messages.flatMap((message) => frameOf(message) ?? [])

/** AO1. Throws session_unreadable. */
function checkJoin(session: string, archived: Frame, frames: readonly Frame[]): void {
  const at = archivedIn(archived)
  const [first] = frames
  const last = frames.at(-1)
  const joins =
    first?.n === at?.first &&
    frames.length === at?.frames &&
    last?.seq === archived.prev &&
    last.n + 1 === archived.n &&
    frameHash(last.hash, archived, eventsJsonOf(archived)) === archived.hash
  if (!joins)
    throw unreadable(`Frame ${archived.n} of session ${session} does not go on behind what ${at?.object} holds.`)
}

interface Candidate extends Pick<Frame, 'seq' | 'prev'> {
  /** Absent: it is larger than what memory says (AO3). */
  readonly frame?: Frame
}

function candidateIn(message: StoredMessage): readonly Candidate[] {
  const frame = frameOf(message)
  if (!frame || !archivedIn(frame)) return []
  const { seq, prev } = frame
  return [message.body.length > mostSaid ? { seq, prev } : { seq, prev, frame }]
}

export function archiveReader(
  broker: Broker,
  { streams, replicated }: { readonly streams: SessionStreams; readonly replicated: boolean },
): ArchiveReader & { unreadable(): readonly string[] } {
  const kept = new KeptFrames()
  const found = new Set<string>()
  const says = ({ withinMs }: ReadOptions = {}) => ({
    leader: replicated,
    ...(withinMs === undefined ? {} : { withinMs }),
  })

  async function frames(session: string, archived: Frame): Promise<readonly Frame[]> {
    const at = archivedIn(archived)
    if (!at) throw unreadable(`Frame ${archived.n} of session ${session} names nothing in the archive.`)
    const found = await kept.of(`${at.digest} ${at.object}`, async () => {
      const bytes = await archivedBytes(broker, at)
      if (!bytes)
        throw unreadable(
          `Frames ${at.first} to ${archived.n - 1} of session ${session} lie in ${at.object}, which is gone from the archive.`,
        )
      const messages = await archivedMessages(broker, session, archived, { bytes, leader: replicated })
      return { bytes: bytes.length, frames: framesIn(messages) }
    })
    checkJoin(session, archived, found)
    return found
  }

  /** AO1. It is the first that says so behind the place where it stands: the same words once more are not. */
  async function isSo(session: string, archived: Frame, options: ReadOptions): Promise<boolean> {
    await frames(session, archived)
    const behind = { ...says(options), after: archived.prev }
    const first = await nextMessage(broker, () => streams.of(session), archivedSubject(session), behind)
    return first?.seq === archived.seq
  }

  /** AO3: what memory has said where it says where sessions lie, in order. */
  async function* saidIn(session: string, filter: string, options: ReadOptions): AsyncGenerator<StoredMessage> {
    for (let after = 0; ; ) {
      const page = await readMessages(broker, () => streams.of(session), filter, {
        ...says(options),
        ...{ after, limit: saidAtOnce },
      })
      yield* page
      after = page.at(-1)?.seq ?? after
      if (page.length < saidAtOnce) return
    }
  }

  async function frameAgain(
    session: string,
    { seq, frame }: Candidate,
    options: ReadOptions,
  ): Promise<Frame | undefined> {
    if (frame) return frame
    const message = await messageAt(broker, () => streams.of(session), seq, says(options))
    return message && parseSessionSubject(message.subject)?.session === session ? frameOf(message) : undefined
  }

  /** Of those that say where it lies, in order, the last one that is so. Rejects where memory has said so, and it is not. */
  async function lastThatIsSo(
    session: string,
    candidates: readonly Candidate[],
    options: ReadOptions,
  ): Promise<Frame | undefined> {
    let why: unknown
    for (const candidate of candidates.toReversed()) {
      const one = await frameAgain(session, candidate, options)
      if (!one) continue
      try {
        if (await isSo(session, one, options)) return one
      } catch (error) {
        if (!isUnreadable(error)) throw error
        const seal = broker.seals.check('m', frameSealText(one), one.seal ?? '')
        if (seal === 'sound' || seal === 'unknown') why ??= error
      }
    }
    if (why !== undefined) throw why
    return undefined
  }

  async function latest(session: string, options: ReadOptions = {}): Promise<Frame | undefined> {
    const stream = () => streams.of(session)
    const message = await lastMessage(broker, stream, archivedSubject(session), says(options))
    if (!message) return undefined
    const last = frameOf(message)
    if (last && archivedIn(last)) {
      const so = await isSo(session, last, options).catch((error: unknown) => {
        if (!isUnreadable(error)) throw error
        return false
      })
      if (so) return last
    }
    const candidates: Candidate[] = []
    for await (const one of saidIn(session, archivedSubject(session), options)) candidates.push(...candidateIn(one))
    return lastThatIsSo(session, candidates, options)
  }

  function note(session: string, error: unknown): void {
    if (isUnreadable(error) && found.size < mostNamed) found.add(session)
  }

  return {
    async latest(session, options) {
      try {
        const frame = await latest(session, options)
        found.delete(session)
        return frame
      } catch (error) {
        note(session, error)
        throw error
      }
    },
    unreadable: () => [...found],
    erased: (session) => void found.delete(session),
    async ofTree(root, options = {}) {
      const candidates = new Map<string, Candidate[]>()
      for await (const message of saidIn(root, archivedInTreeFilter(root), options)) {
        const session = parseSessionSubject(message.subject)?.session
        const [candidate] = candidateIn(message)
        if (session === undefined || !candidate) continue
        const known = candidates.get(session)
        if (known) known.push(candidate)
        else candidates.set(session, [candidate])
      }
      const so: SessionFrame[] = []
      for (const [session, said] of candidates) {
        // Of the others nothing is asked for.
        if (said.every(({ prev }) => prev <= (options.after ?? 0))) continue
        const frame = await lastThatIsSo(session, said, options).catch((error: unknown) => {
          note(session, error)
          if (!isUnreadable(error)) throw error
          options.onUnreadable?.(session) // AR5
        })
        if (frame) so.push({ session, frame })
      }
      return so
    },
    async frames(session, archived) {
      return frames(session, archived).catch((error: unknown) => {
        note(session, error)
        throw error
      })
    },
  }
}

interface Read {
  /** Of the object, as it lies there. */
  readonly bytes: number
  readonly frames: readonly Frame[]
}

/** The one that was read last is the last one. */
class KeptFrames {
  readonly #kept = new Map<string, Promise<Read>>()
  readonly #sizes = new Map<string, number>()

  async of(object: string, read: () => Promise<Read>): Promise<readonly Frame[]> {
    const known = this.#kept.get(object)
    const found = known ?? read()
    this.#kept.delete(object)
    this.#kept.set(object, found)
    try {
      const { bytes, frames } = await found
      if (!known && this.#kept.get(object) === found) this.#keep(object, bytes)
      return frames
    } catch (error) {
      if (this.#kept.get(object) === found) this.#kept.delete(object)
      throw error
    }
  }

  #keep(object: string, bytes: number): void {
    this.#sizes.set(object, bytes)
    let all = [...this.#sizes.values()].reduce((sum, one) => sum + one, 0)
    for (const oldest of this.#kept.keys()) {
      if (all <= keptBytes || oldest === object) break
      all -= this.#sizes.get(oldest) ?? 0
      this.#sizes.delete(oldest)
      this.#kept.delete(oldest)
    }
  }
}
