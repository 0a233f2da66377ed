// Which bundles sessions, runs and versions go by, read from the streams: what was read stays, so the next time costs what came since.
//   NB2. It reads all sessions, from the first frame on, when it reads for the first time. Where that is more than somebody leaves behind who
//        develops, it reads nothing, and nothing is known.
//   NB1. A version is there before a frame names it: versions are read behind the frames, and before the frames are taken.
import { jetstreamManager } from '@nats-io/jetstream'
import { type Broker, lastMessage, nextMessagesOrEnd, type StoredMessage } from '@reins/broker'
import { allSessionsFilter, registryKindFilter, type SessionStreams, streams } from '@reins/contracts'
import { digestsIn, SessionPins } from './session-pins.ts'

export interface NeededBuilds {
  /** By sessions and runs; undefined: it is not known. */
  readonly bySessions: ReadonlySet<string> | undefined
  byVersion(digest: string): readonly string[]
}

/** NB2. */
const mostBytes = 1024 ** 3

const isBundle = (digest: string): boolean => digest.startsWith('sha256-')

export class NeededBuildsReader {
  readonly #broker: Broker
  readonly #sessions: SessionStreams
  readonly #pins = new SessionPins()
  /** By the digest of the version; only those that name bundles. */
  readonly #versions = new Map<string, readonly string[]>()
  readonly #read = new Map<string, number>()
  #isSmall: boolean | undefined

  constructor(broker: Broker, sessions: SessionStreams) {
    this.#broker = broker
    this.#sessions = sessions
  }

  /** Of all that was written before it was asked. Not to be asked again before it is answered. Rejects with BrokerUnavailable. */
  async read(): Promise<NeededBuilds> {
    this.#isSmall ??= (await this.#bytes()) <= mostBytes
    const isSmall = this.#isSmall
    for (const name of isSmall ? this.#sessions.names : [])
      await this.#readOn(name, allSessionsFilter, async (frames) => {
        await this.#readVersions() // NB1
        for (const frame of frames) this.#pins.take(frame, (one) => isBundle(one) || this.#versions.has(one))
      })
    await this.#readVersions()
    const pinned = isSmall ? this.#pins.pinned() : undefined
    const byVersion = (digest: string) => this.#versions.get(digest) ?? []
    return {
      byVersion,
      bySessions: pinned && new Set([...pinned].flatMap((one) => (isBundle(one) ? [one] : byVersion(one)))),
    }
  }

  async #bytes(): Promise<number> {
    const manager = await jetstreamManager(this.#broker.nc, { checkAPI: false })
    const infos = await Promise.all(this.#sessions.names.map((name) => manager.streams.info(name)))
    return infos.reduce((sum, { state }) => sum + state.bytes, 0)
  }

  #readVersions(): Promise<void> {
    return this.#readOn(streams.registry, registryKindFilter('version'), async (versions) => {
      for (const { subject, body } of versions) {
        const bundles = [...new Set(digestsIn(body).filter(isBundle))]
        if (bundles.length > 0) this.#versions.set(subject.split('.')[2] ?? '', bundles)
      }
    })
  }

  async #readOn(stream: string, filter: string, on: (news: readonly StoredMessage[]) => Promise<void>): Promise<void> {
    const last = await lastMessage(this.#broker, stream, filter, { leader: true })
    for (let after = this.#read.get(filter + stream) ?? 0; last && after < last.seq; ) {
      const { messages } = await nextMessagesOrEnd(this.#broker, stream, filter, { after })
      if (messages.length === 0) return
      await on(messages)
      after = messages.at(-1)?.seq ?? after
      this.#read.set(filter + stream, after)
    }
  }
}
