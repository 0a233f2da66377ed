// The objects of the archive, read: each is kept in this process for a while, because who reads a session reads it page by page.
import { createHash } from 'node:crypto'
import { jetstream } from '@nats-io/jetstream'
import { type ObjectStore, Objm } from '@nats-io/obj'
import { type Broker, lastMessage, objectBytes, readMessages, untilAnswered } from '@reins/broker'
import {
  archivedInTreeFilter,
  archivedSubject,
  type EventData,
  type Frame,
  objectStores,
  parseSessionSubject,
  type SessionStreams,
} from '@reins/contracts'
import { archivedIn } from '@reins/session'
import { frameOf } from '../jetstream/frames.ts'
import { decodeArchive, mostUnpacked } from './archive-file.ts'
import { archiveKey, isSealed, openObject } from './archive-keys.ts'
import type { ArchiveReader } from './archive-reads.ts'

const apiMs = 2000
/** Of compressed bytes: about ten times as much when read. */
const keptBytes = 4 * 1024 * 1024

export const openArchive = (broker: Broker): Promise<ObjectStore> =>
  untilAnswered(() => new Objm(jetstream(broker.nc, { timeout: apiMs })).open(objectStores.archive))

export const archiveDigest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64url')

/** undefined: it is not there, or not whole any more. Rejects with BrokerUnavailable, or where the bytes are others. */
export async function archivedBytes(
  broker: Broker,
  { object, digest }: Pick<EventData<'session.archived'>, 'object' | 'digest'>,
): Promise<Uint8Array | undefined> {
  // Whoever may write objects could have put any there.
  const bytes = await objectBytes(broker, objectStores.archive, object, { mostBytes: mostUnpacked })
  if (bytes === undefined) return undefined
  if (archiveDigest(bytes) !== digest) throw new Error(`${object} is damaged in the archive`)
  return bytes
}

export function archiveReader(
  broker: Broker,
  { streams, replicated }: { readonly streams: SessionStreams; readonly replicated: boolean },
): ArchiveReader {
  const kept = new KeptFrames()
  /** What an older version has written is not encrypted. */
  const plain = async (session: string, object: string, bytes: Uint8Array): Promise<Uint8Array> => {
    if (!isSealed(bytes)) return bytes
    const key = await archiveKey(broker, session, { leader: replicated })
    if (!key) throw new Error(`${object} cannot be read: the key of session ${session} is gone`)
    return openObject(key, object, bytes)
  }
  const says = ({ withinMs }: { withinMs?: number } = {}) => ({
    leader: replicated,
    ...(withinMs === undefined ? {} : { withinMs }),
  })
  return {
    async latest(session, options) {
      const message = await lastMessage(broker, () => streams.of(session), archivedSubject(session), says(options))
      const frame = message && frameOf(message)
      return frame && archivedIn(frame) ? frame : undefined
    },
    async ofTree(root, options) {
      const found = await readMessages(broker, () => streams.of(root), archivedInTreeFilter(root), says(options))
      return found.flatMap((message) => {
        const session = parseSessionSubject(message.subject)?.session
        const frame = frameOf(message)
        return session !== undefined && frame && archivedIn(frame) ? [{ session, frame }] : []
      })
    },
    frames(session, archived) {
      const at = archivedIn(archived)
      if (!at) throw new Error(`frame ${archived.n} of session ${session} names nothing in the archive`)
      return kept.of(at.object, at.bytes, async () => {
        const bytes = await archivedBytes(broker, at)
        if (!bytes)
          throw new Error(
            `frames ${at.first} to ${archived.n - 1} of session ${session} lie in ${at.object}, which is gone`,
          )
        return (await decodeArchive(session, await plain(session, at.object, bytes))).flatMap(
          (message) => frameOf(message) ?? [],
        )
      })
    },
  }
}

/** The one that was read last is the last one. */
class KeptFrames {
  readonly #kept = new Map<string, { readonly bytes: number; readonly frames: Promise<readonly Frame[]> }>()
  #bytes = 0

  of(object: string, bytes: number, read: () => Promise<readonly Frame[]>): Promise<readonly Frame[]> {
    const known = this.#kept.get(object)
    if (known) {
      this.#kept.delete(object)
      this.#kept.set(object, known)
      return known.frames
    }
    const frames = read()
    frames.catch(() => this.#forget(object))
    this.#kept.set(object, { bytes, frames })
    this.#bytes += bytes
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= keptBytes || oldest === object) break
      this.#forget(oldest)
    }
    return frames
  }

  #forget(object: string): void {
    this.#bytes -= this.#kept.get(object)?.bytes ?? 0
    this.#kept.delete(object)
  }
}
