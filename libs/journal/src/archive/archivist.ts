// Writing the archive, and taking out of the stream what lies there. Who may archive a session, and the frame that says so, are the caller's.
//   AW1. An object is read back, byte for byte, before anybody may name it. Each attempt writes one of its own, so that no other attempt
//        can change or remove what a frame names.
//   AW2. Only what stands before a frame of the session that names its object is taken out, and only while the object is whole.
//      What gateways appended for people stays: there is little of it, and the audit reads it there.
//   AW3. What ends between two steps leaves an object that no frame names (it costs room and nothing else), or frames that also lie in
//        the archive (they are taken out later).
import type { ObjectStore } from '@nats-io/obj'
import { type Broker, BrokerUnavailable, purgeStreamSubject, readMessages, type StoredMessage } from '@reins/broker'
import {
  type EventData,
  type Frame,
  fieldsOf,
  type Head,
  jsonValue,
  type SessionStreams,
  sessionFilter,
  sessionRoleFilter,
} from '@reins/contracts'
import { archivedIn } from '@reins/session'
import { frameOf, headFromMessage } from '../jetstream/frames.ts'
import { decodeArchive, encodeArchive } from './archive-file.ts'
import { archiveDigest, archivedBytes, openArchive } from './archive-objects.ts'

export interface Archivist {
  /** The session's frames that the stream holds, up to `head`, as an object; undefined: the session has gone on. `as`: unique to this attempt. */
  store(session: string, head: Head, as: string): Promise<EventData<'session.archived'> | undefined>
  /** An object that no frame names. */
  drop(object: string): Promise<void>
  /** AW2. Repeating it changes nothing. */
  takeOut(session: string, archived: Frame): Promise<void>
}

const purgeMs = 10_000
/** AW2 */
const taken = ['e', 't', 'm'] as const

/** `broker`: as any service. `archivist`: as the user who may write the archive, and take frames out. */
export async function createArchivist(
  broker: Broker,
  archivist: Broker,
  { streams, replicated }: { readonly streams: SessionStreams; readonly replicated: boolean },
): Promise<Archivist> {
  const store: ObjectStore = await openArchive(archivist)

  /** Those that no object holds yet: from the frame on that names the latest one. */
  async function notArchived(session: string): Promise<readonly StoredMessage[]> {
    const messages = await readMessages(broker, streams.of(session), sessionFilter(session), { leader: replicated })
    const from = messages.findLastIndex((message) => {
      const frame = frameOf(message)
      return frame !== undefined && archivedIn(frame) !== undefined
    })
    return from > 0 ? messages.slice(from) : messages
  }

  return {
    async store(session, head, as) {
      const messages = await notArchived(session)
      const last = messages.at(-1)
      if (!last || last.seq !== head.seq || !areWhole(messages)) return undefined
      const bytes = await encodeArchive(session, messages)
      const digest = archiveDigest(bytes)
      const object = `${session}/${head.n}-${as}`
      await store.putBlob({ name: object }, bytes).catch((cause: unknown) => {
        throw new BrokerUnavailable(`storing ${object} in the archive`, { cause })
      })
      const written = await archivedBytes(store, { object, digest }) // AW1
      if (!written || !areSame(await decodeArchive(session, written), messages))
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
      if (!(await archivedBytes(store, at))) throw new Error(`${at.object} is gone from the archive`) // AW2
      const stream = streams.of(session)
      for (const role of taken) {
        const ask = JSON.stringify({ filter: sessionRoleFilter(session, role), seq: archived.seq })
        const outcome = await archivist.request(purgeStreamSubject(stream), ask, { withinMs: purgeMs })
        if (outcome.kind !== 'reply') throw new BrokerUnavailable(`taking frames out of ${stream}`)
        const { error } = fieldsOf(jsonValue(outcome.msg.string()))
        if (error !== undefined)
          throw new Error(`the broker took nothing out of ${stream}: ${String(fieldsOf(error).description)}`)
      }
    },
  }
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
