// The core of an in-memory event stream: sessions' frames in one order, and the one rule of appending. Synchronous and
// cheaply cloned, because the simulator copies a world at every step; memory.ts puts the ports' promises and deliveries on top.
//   M1. A frame is in if and only if `prev` is the session's last sequence (0: there is none). Nothing else is checked, as at the broker.
//   M2. What is stored is what a reader of the broker would decode: encoded once, decoded once.
//   M3. A clone shares what was there and nothing that comes later.
import { type Address, type Draft, decodeFrame, encodeFrame, eventCodec, type Frame, rootOf } from '@reins/contracts'
import { AppendList } from '@reins/session'

export interface StoredFrame {
  readonly session: string
  readonly to: Address
  readonly frame: Frame
  /** The bytes of `events` as they were written, for the chain of hashes. */
  readonly eventsJson: string
  /** epoch ms, by the stream's clock */
  readonly storedAt: number
}

export class MemoryStream {
  #all: AppendList<StoredFrame>
  readonly #sessions: Map<string, AppendList<StoredFrame>>

  constructor(from?: MemoryStream) {
    this.#all = from ? from.#all : AppendList.of()
    this.#sessions = new Map(from ? from.#sessions : [])
  }

  clone(): MemoryStream {
    return new MemoryStream(this)
  }

  get lastSeq(): number {
    return this.#all.length
  }

  sessions(): Iterable<string> {
    return this.#sessions.keys()
  }

  last(session: string): StoredFrame | undefined {
    const frames = this.#sessions.get(session)
    return frames?.at(frames.length - 1)
  }

  /** Sequences count from 1 without gaps over the whole stream. */
  bySeq(seq: number): StoredFrame | undefined {
    return this.#all.at(seq - 1)
  }

  /** undefined: refused, because `draft.prev` is not the session's last sequence. */
  append(session: string, draft: Draft, to: Address, previousHash: string, storedAt: number): StoredFrame | undefined {
    if (draft.prev !== (this.last(session)?.frame.seq ?? 0)) return undefined
    const { body, headers } = encodeFrame(draft, previousHash)
    const named = new Map(headers)
    const frame = decodeFrame({
      seq: this.lastSeq + 1,
      session,
      role: draft.role,
      body,
      header: (name) => named.get(name) ?? '',
    })
    const stored = { session, to, frame, eventsJson: eventCodec.encode(draft.events), storedAt }
    this.#all = this.#all.append(stored)
    this.#sessions.set(session, (this.#sessions.get(session) ?? AppendList.of<StoredFrame>()).append(stored))
    return stored
  }

  /** A session's frames with a sequence above `after`, in order. */
  read(session: string, after = 0, limit = Number.POSITIVE_INFINITY): readonly StoredFrame[] {
    const frames = this.#sessions.get(session)
    if (!frames) return []
    let low = 0
    let high = frames.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((frames.at(middle)?.frame.seq ?? 0) <= after) low = middle + 1
      else high = middle
    }
    return frames.slice(low, Math.min(frames.length, low + limit))
  }

  /** Everything above `after`, of a tree or of all. */
  readAll(after = 0, root?: string, limit = Number.POSITIVE_INFINITY): readonly StoredFrame[] {
    const found: StoredFrame[] = []
    for (let seq = after + 1; seq <= this.lastSeq && found.length < limit; seq++) {
      const stored = this.bySeq(seq)
      if (stored && (root === undefined || rootOf(stored.session) === root)) found.push(stored)
    }
    return found
  }
}
