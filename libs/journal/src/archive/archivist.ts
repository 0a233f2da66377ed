// Writing the archive, taking out of the stream what lies there, and erasing. Who may archive or erase a session, and the frames that say so,
// are the caller's.
//   AW1. An object is read back, byte for byte, before anybody may name it. Each attempt writes one of its own, so that no other attempt
//        can change or remove what a frame names. It is encrypted with the key of its session.
//   AW2. Only what an object holds is taken out, message by message, and only where a frame behind them names it: whoever has the password of
//      memory can append such a frame, and that must cost nothing.
//      What gateways appended for people stays: there is little of it, and the audit reads it there. What is taken out is overwritten, so
//      that nothing of it is left when the session is erased.
//   AW3. What ends between two steps leaves an object that no frame names (it is swept), or frames that also lie in the archive (they are
//        taken out later).
//   AW4. Of what is erased the frames go first: as long as they name the archive, it is there. What is left after a death is found by its
//        names, and not by what the frames said.
//   AW5. An object may be named by the frame behind its own head alone. So it is swept when the session has gone on from there without
//        naming it, and stays as long as somebody may still append that frame.
//      Of a session that was erased nobody may name one any more, whatever its last frame says of itself.
//   AW6. Of a stream with several copies, something is overwritten only while all of them are there (CP1 of copies.ts).
//   AW7. What a split has begun to copy is erased in the copy too: the split may never be ended.
import type { ObjectStore } from '@nats-io/obj'
import { type Broker, BrokerUnavailable, lastMessage, readMessages, type StoredMessage } from '@reins/broker'
import {
  allArchiveKeysFilter,
  streams as allStreams,
  archivedFilter,
  archivedSubject,
  archiveKeySubject,
  bucketStream,
  buckets,
  type EventData,
  type Frame,
  type Head,
  isSessionId,
  objectInfosFilter,
  objectNameIn,
  objectStores,
  objectStream,
  ownSessionSubject,
  parseSessionSubject,
  type SessionStreams,
  sessionFilter,
  sessionRoleFilter,
  treeFilter,
} from '@reins/contracts'
import { archivedIn, erasedIn } from '@reins/session'
import { frameOf, headFromMessage } from '../jetstream/frames.ts'
import { decodeArchive, encodeArchive } from './archive-file.ts'
import { madeArchiveKey, openObject, sealObject } from './archive-keys.ts'
import { archiveDigest, archivedBytes, archivedMessages, archiveReader, openArchive } from './archive-objects.ts'
import { isUnreadable, unreadable } from './archive-reads.ts'
import { copyOfSplit, overwriteAll } from './copies.ts'
import {
  eraseDeliveries,
  eraseDeltas,
  eraseMessages,
  eraseObject,
  eraseObjects,
  eraseSnapshots,
  purge,
  sessionOfObject,
  subjectsIn,
} from './erasing.ts'

export interface Archivist {
  /** The session's frames that the stream holds, up to `head`, as an object; undefined: the session has gone on. `as`: unique to this attempt. */
  store(session: string, head: Head, as: string): Promise<EventData<'session.archived'> | undefined>
  /** An object that no frame names. */
  drop(object: string): Promise<void>
  /** AW2. Repeating it changes nothing. Rejects with session_unreadable where what the frame says is not so: then nothing is taken out. */
  takeOut(session: string, archived: Frame): Promise<void>
  /** The sessions of a tree, as the stream has them. */
  tree(root: string): Promise<readonly string[]>
  /** Everything that the stream holds of a session before the frame that orders it, and its key (AW4). Gives the number of frames. */
  eraseFrames(session: string, order: Pick<Frame, 'seq'>): Promise<number>
  /** All else that is kept of the sessions of a tree. Gives the number of objects. */
  eraseKept(root: string, sessions: readonly string[]): Promise<number>
  /** AW5, and what is left of sessions that were erased. Gives the number of objects. */
  sweep(): Promise<number>
  /** Sessions of which memory has said where they lie, page by page. */
  sessionsSaid(): AsyncGenerator<readonly string[]>
  /** Reads all that a session has in the archive. Why it cannot be read; undefined: it can. Rejects with BrokerUnavailable. */
  look(session: string): Promise<string | undefined>
}

/** AW2 */
const taken = ['e', 't', 'm'] as const

export interface ArchivistOptions {
  readonly streams: SessionStreams
  readonly replicated: boolean
  /** Whether frames can be overwritten: the streams of sessions were made so. Else they are purged, and nothing can be erased. */
  readonly erasable: boolean
}

/** `broker`: as any service. `archivist`: as the user who may write the archive, and take frames out. */
export async function createArchivist(
  broker: Broker,
  archivist: Broker,
  { streams, replicated, erasable }: ArchivistOptions,
): Promise<Archivist> {
  const store: ObjectStore = await openArchive(archivist)
  const leader = replicated
  const reader = archiveReader(broker, { streams, replicated })

  /** Those that no object holds yet: from the frame on that names the latest one. */
  async function notArchived(session: string): Promise<readonly StoredMessage[]> {
    const messages = await readMessages(broker, () => streams.of(session), sessionFilter(session), { leader })
    const archived = await reader.latest(session, { leader })
    const from = archived ? messages.findIndex(({ seq }) => seq === archived.seq) : 0
    return from > 0 ? messages.slice(from) : messages
  }

  const overwrite = <T>(names: readonly string[], run: () => Promise<T>): Promise<T> =>
    replicated ? overwriteAll(broker, names, run) : run() // AW6

  const eraseKey = (session: string): Promise<number> =>
    eraseMessages(broker, archivist, allStreams.keys, archiveKeySubject(session), { leader })

  /** What was said of it is the beginning of its log. AW5: read from the leader, behind the head. */
  async function wasErased(session: string): Promise<boolean> {
    const [first] = await readMessages(broker, streams.of(session), sessionFilter(session), { limit: 1, leader: true })
    const begins = first && frameOf(first)
    return begins !== undefined && erasedIn(begins) !== undefined
  }

  /** The objects that the frames of a session name. `last`: the last frame that says so. */
  async function namedBy(session: string, last: Frame | undefined): Promise<ReadonlySet<string>> {
    const named = new Set<string>()
    for (let at = last; at; ) {
      const archived = archivedIn(at)
      if (!archived) break
      named.add(archived.object)
      const [before] = archived.first === 1 ? [] : await reader.frames(session, at)
      at = before
    }
    return named
  }

  /** Of its objects, those that nothing names. What the last frame says is looked into only where something would go by it (AW2). */
  async function notNamed(session: string, subjects: readonly string[]): Promise<readonly string[]> {
    const last = await lastMessage(broker, streams.of(session), archivedSubject(session), { leader: true })
    const said = last && frameOf(last)
    const at = said && archivedIn(said)
    const names = subjects.map(objectNameIn)
    if (at && names.length === 1 && names[0] === at.object) return []
    try {
      const named = await namedBy(session, await reader.latest(session, { leader: true }))
      return subjects.filter((subject) => !named.has(objectNameIn(subject)))
    } catch (error) {
      // Of a session that cannot be read nothing is swept: it may be brought back.
      if (isUnreadable(error)) return []
      throw error
    }
  }

  /** What its objects hold, the latest first. */
  async function* heldBy(
    session: string,
    archived: Frame,
    bytes: Uint8Array,
  ): AsyncGenerator<readonly StoredMessage[]> {
    const held = await archivedMessages(broker, session, archived, { bytes, leader })
    yield held
    for (let at = held[0] && frameOf(held[0]); at && archivedIn(at); ) {
      const named = archivedIn(at)
      const older = named && (await archivedBytes(archivist, named))
      if (!older) throw unreadable(`${named?.object} is gone from the archive.`)
      const of = await archivedMessages(broker, session, at, { bytes: older, leader })
      yield of
      at = of[0] && frameOf(of[0])
    }
  }

  /** Of what the stream has before it, what the archive does not hold. AW2. */
  async function notHeld(session: string, archived: Frame, bytes: Uint8Array): Promise<ReadonlySet<number>> {
    const left = new Map<number, StoredMessage>()
    for (const role of taken)
      for (const message of await readMessages(broker, streams.of(session), sessionRoleFilter(session, role), {
        leader,
      }))
        if (message.seq < archived.seq) left.set(message.seq, message)
    for await (const held of heldBy(session, archived, bytes)) {
      for (const message of held) {
        const here = left.get(message.seq)
        if (here && areSame([message], [here])) left.delete(message.seq)
      }
      if (left.size === 0) break
    }
    return new Set(left.keys())
  }

  return {
    async store(session, head, as) {
      const messages = await notArchived(session)
      const last = messages.at(-1)
      if (!last || last.seq !== head.seq || !areWhole(messages)) return undefined
      const object = `${session}/${head.n}-${as}`
      const key = await madeArchiveKey(broker, archivist, session)
      const bytes = sealObject(key, object, await encodeArchive(session, messages))
      const digest = archiveDigest(bytes)
      await store.putBlob({ name: object }, bytes).catch((cause: unknown) => {
        throw new BrokerUnavailable(`storing ${object} in the archive`, { cause })
      })
      const written = await archivedBytes(archivist, { object, digest }) // AW1
      if (!written || !areSame(await decodeArchive(session, openObject(key, object, written)), messages))
        throw new Error(`${object} was read back from the archive as something else`)
      const { n: first } = headFromMessage(messages[0]!)
      return { object, first, frames: messages.length, bytes: bytes.length, digest }
    },
    async drop(object) {
      await store.delete(object)
    },
    async takeOut(session, archived) {
      const at = archivedIn(archived)
      if (!at) return
      const { seq } = archived
      const bytes = await archivedBytes(archivist, at)
      if (!bytes) {
        // It was erased meanwhile, and what stood here is gone or is going to be.
        for (const one of await readMessages(broker, streams.of(session), sessionFilter(session), {
          after: seq,
          leader,
        }))
          if (isErased(one)) return
        throw unreadable(`${at.object} is gone from the archive.`) // AW2
      }
      const stays = await notHeld(session, archived, bytes)
      const stream = streams.of(session)
      const filters = taken.map((role) => sessionRoleFilter(session, role))
      if (!erasable) {
        if (stays.size > 0) throw unreadable(`${at.object} does not hold all that stands before it.`)
        for (const filter of filters) await purge(archivist, stream, { filter, seq })
        return
      }
      await overwrite([stream], async () => {
        for (const filter of filters)
          await eraseMessages(broker, archivist, stream, filter, { before: seq, leader, but: stays })
      })
    },
    async tree(root) {
      const found = new Set<string>([root])
      for await (const subjects of subjectsIn(broker, streams.of(root), treeFilter(root)))
        for (const subject of subjects) {
          const session = parseSessionSubject(subject)?.session
          if (session !== undefined) found.add(session)
        }
      return [...found]
    },
    async eraseFrames(session, { seq }) {
      const filter = sessionFilter(session)
      const stream = streams.of(session)
      const eraseIn = (name: string): Promise<number> =>
        overwrite([name], () => eraseMessages(broker, archivist, name, filter, { before: seq, leader }))
      const frames = await eraseIn(stream)
      await overwrite([allStreams.keys], () => eraseKey(session))
      const copy = await copyOfSplit(broker, streams, session)
      if (copy !== undefined) await eraseIn(copy) // AW7
      return frames
    },
    async eraseKept(root, sessions) {
      const all = new Set(sessions)
      const stores = [objectStores.archive, objectStores.outputs]
      const kept = [...stores.map(objectStream), allStreams.timers, bucketStream(buckets.snapshots)]
      return overwrite(kept, async () => {
        let objects = 0
        for (const name of stores) objects += await eraseObjects(broker, archivist, name, all, { leader })
        await eraseDeliveries(broker, archivist, all, { leader })
        await eraseDeltas(archivist, root)
        await eraseSnapshots(archivist)
        return objects
      })
    },
    async sweep() {
      const objects = new Map<string, string[]>()
      const filter = objectInfosFilter(objectStores.archive)
      for await (const subjects of subjectsIn(broker, objectStream(objectStores.archive), filter))
        for (const subject of subjects) {
          const session = sessionOfObject(subject)
          if (isSessionId(session)) objects.set(session, [...(objects.get(session) ?? []), subject])
        }
      let swept = 0
      for (const [session, subjects] of objects) {
        const message = await lastMessage(broker, streams.of(session), sessionFilter(session), { leader: true })
        if (!message) continue
        const { n } = headFromMessage(message)
        const erased = await wasErased(session)
        const unnamed = erased ? subjects : await notNamed(session, subjects)
        for (const subject of unnamed) {
          if (!erased && headOfObject(objectNameIn(subject)) >= n) continue // AW5
          await eraseObject(broker, archivist, objectStores.archive, subject, { leader })
          swept++
        }
        if (erased) await eraseKey(session)
      }
      for await (const keys of subjectsIn(broker, allStreams.keys, allArchiveKeysFilter))
        for (const key of keys) {
          const session = key.slice(archiveKeySubject('').length)
          if (!isSessionId(session) || objects.has(session)) continue
          if (await wasErased(session)) await eraseKey(session)
        }
      return swept
    },
    async *sessionsSaid() {
      for (const name of streams.names)
        for await (const subjects of subjectsIn(broker, name, archivedFilter)) {
          const sessions = subjects.flatMap((subject) => ownSessionSubject(subject)?.session ?? [])
          if (sessions.length > 0) yield sessions
        }
    },
    async look(session) {
      try {
        // What other readings keep is left alone, and what was read before may be another one by now.
        const fresh = archiveReader(broker, { streams, replicated })
        for (let at = await fresh.latest(session, { leader }); at && archivedIn(at); )
          [at] = (await fresh.frames(session, at)).slice(0, 1)
        return undefined
      } catch (error) {
        if (isUnreadable(error)) return error instanceof Error ? error.message : String(error)
        throw error
      }
    },
  }
}

/** The number of the frame that an object was written at. */
const headOfObject = (name: string): number => {
  const n = Number(/\/(\d{1,15})-/.exec(name)?.[1])
  return Number.isSafeInteger(n) ? n : Number.POSITIVE_INFINITY
}

const isErased = (message: StoredMessage): boolean => {
  const frame = frameOf(message)
  return frame !== undefined && erasedIn(frame) !== undefined
}

/** By the numbers of the frames, none is missing between them. */
const areWhole = (messages: readonly StoredMessage[]): boolean =>
  messages.every((message, at) => headFromMessage(message).n === headFromMessage(messages[0]!).n + at)

const areSame = (some: readonly StoredMessage[], others: readonly StoredMessage[]): boolean =>
  some.length === others.length &&
  some.every(({ seq, subject, body, header }, at) => {
    const other = others[at]
    return (
      other !== undefined &&
      seq === other.seq &&
      subject === other.subject &&
      body === other.body &&
      JSON.stringify(headFromMessage({ ...other, header })) === JSON.stringify(headFromMessage(other))
    )
  })
