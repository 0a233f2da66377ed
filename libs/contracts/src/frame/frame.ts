// A frame: the events of one append, one JetStream message (PROTOCOL 2).
//   F1. `events` is the last member of the body, and the hash is over its bytes as they were written: reading never re-serialises.
//   F2. The headers alone are enough to address, chain and refuse the next frame.
//   F3. Decoding never throws: what is no frame is a fault that carries what the headers still say.
//   F4. A frame with an event that this code does not know is beyond it, and no fault: the chain goes on, and nothing is decided on it.
//       Its `events` are none, so whatever acts on frames does nothing; whatever shows them asks `everyEvent`.
//   F5. So it is with a frame that holds an event which is not its role's to say: it chains, nothing of it is acted on, and it is shown.
//   F6. What the broker itself has answered to somebody, who had it put at the place of a frame, is no frame: it says in its headers where it
//       was read. Rights do not keep that apart (decision 035), and it would be believed as what another service says.
import { hash } from 'node:crypto'
import { sealHeader } from '../broker/seals.ts'
import { readFromHeader, type Role } from '../broker/subjects.ts'
import { firstProtocol, type SessionEvent } from '../events/catalogue.ts'
import { eventCodec, type UnknownEvent, type WrittenEvent } from '../events/codec.ts'
import { maySayIn } from '../events/speakers.ts'
import type { Draft } from './draft.ts'

export const frameHeaders = {
  frame: 'Reins-Frame',
  n: 'Reins-N',
  hash: 'Reins-Hash',
  needs: 'Reins-Needs',
  status: 'Reins-Status',
  pool: 'Reins-Pool',
  seal: sealHeader,
} as const

export const statuses = ['idle', 'running', 'waiting', 'paused', 'quarantined', 'ended'] as const
/** A promise (PROTOCOL 2): `running` and `waiting` mean that something is going to wake an executor. */
export type Status = (typeof statuses)[number]

/** What the headers of a session's last frame say: enough to append to it. `seq` 0 and `n` 0: there is no session yet. */
export interface Head {
  readonly seq: number
  readonly n: number
  readonly hash: string
  readonly needs: number
  readonly status: Status
  /** The session's executor pool. */
  readonly pool: string
}

export interface Frame {
  readonly seq: number
  readonly id: string
  readonly n: number
  readonly prev: number
  /** epoch ms, by the writer's clock */
  readonly at: number
  /** An instance made new at each start, or a principal. */
  readonly by: string
  readonly trace?: string
  readonly role: Role
  readonly needs: number
  readonly status: Status
  readonly pool: string
  readonly hash: string
  /** Of whoever wrote it (seals.ts); absent: an older process has, or one without a key. */
  readonly seal?: string
  readonly events: readonly SessionEvent[]
  /** The events as they were written, where that is not what `events` has: older versions, and what is beyond this code. */
  readonly written?: readonly unknown[]
  /** F4: what of it only a newer version of Reins understands. */
  readonly beyond?: string
  /** Set where this message is no valid frame: `events` is empty then, and the headers are taken for what they say. */
  readonly fault?: string
}

/** Every event of a frame, in its place, for whoever shows them: also those of a frame that is beyond this code. */
export function everyEvent({ events, written }: Frame): readonly (SessionEvent | UnknownEvent)[] {
  return (
    written?.map((value) => {
      const decoded = eventCodec.decode(value)
      return decoded.kind === 'known' ? decoded.event : { type: '?', written: writtenOf(value) }
    }) ?? events
  )
}

/** The events of a frame that this code knows, also where it may not decide on them: for whoever counts and shows. */
export const knownEvents = (frame: Frame): readonly SessionEvent[] =>
  everyEvent(frame).filter((event) => event.type !== '?')

/** The frame as it is up to its event `i`. */
export const upToEvent = (frame: Frame, i: number): Frame => ({
  ...frame,
  events: frame.events.slice(0, i + 1),
  ...(frame.written ? { written: frame.written.slice(0, i + 1) } : {}),
})

/** The bytes of a frame's events as they were written, over which its hash is made. */
export const eventsJsonOf = ({ events, written }: Frame): string =>
  written ? JSON.stringify(written) : eventCodec.encode(events)

/** In a frame of a newer protocol anything may stand for an event. */
function writtenOf(value: unknown): WrittenEvent {
  const { type, v, data } = (value ?? {}) as Partial<Record<keyof WrittenEvent, unknown>>
  return {
    type: typeof type === 'string' ? type : 'unknown',
    ...(typeof v === 'number' ? { v } : {}),
    data: data ?? null,
  }
}

export const emptyHead = (session: string): Head => ({
  seq: 0,
  n: 0,
  hash: hash('sha256', session, 'base64url'),
  needs: firstProtocol,
  status: 'idle',
  pool: '',
})

export const headOf = (frame: Frame): Head => ({
  seq: frame.seq,
  n: frame.n,
  hash: frame.hash,
  needs: frame.needs,
  status: frame.status,
  pool: frame.pool,
})

/** base64url(sha256(previous hash ‖ n ‖ id ‖ role ‖ at ‖ by ‖ needs ‖ bytes of `events`)): it survives a move to other subjects and sequences. */
export function frameHash(
  previous: string,
  draft: Pick<Draft, 'n' | 'id' | 'role' | 'at' | 'by' | 'needs'>,
  eventsJson: string,
): string {
  const start = JSON.stringify([previous, draft.n, draft.id, draft.role, draft.at, draft.by, draft.needs])
  return hash('sha256', start + eventsJson, 'base64url')
}

export interface EncodedFrame {
  readonly body: string
  readonly hash: string
  readonly headers: readonly (readonly [string, string])[]
}

export function encodeFrame(draft: Draft, previousHash: string): EncodedFrame {
  const events = eventCodec.encode(draft.events)
  const { id, n, prev, at, by, trace } = draft
  const start = JSON.stringify({ v: 1, id, n, prev, at, by, ...(trace === undefined ? {} : { trace }) })
  const hash = frameHash(previousHash, draft, events)
  return {
    body: `${start.slice(0, -1)},"events":${events}}`,
    hash,
    headers: [
      [frameHeaders.frame, id],
      [frameHeaders.n, String(n)],
      [frameHeaders.hash, hash],
      [frameHeaders.needs, String(draft.needs)],
      [frameHeaders.status, draft.status],
      [frameHeaders.pool, draft.pool],
    ],
  }
}

const marker = ',"events":'
/** The bytes of `events` as they stand in a body; undefined where there are none. */
export function eventsOf(body: string): string | undefined {
  const at = body.indexOf(marker)
  return at < 0 ? undefined : body.slice(at + marker.length, -1)
}

export interface RawFrame {
  readonly seq: number
  /** Whose it is; absent: whoever reads it does not know, and some of what it says is not believed then. */
  readonly session?: string
  readonly role: Role
  readonly body: string
  header(name: string): string
}

export function headFromHeaders(seq: number, header: (name: string) => string): Head {
  const status = header(frameHeaders.status)
  return {
    seq,
    n: countIn(header(frameHeaders.n)),
    hash: header(frameHeaders.hash),
    needs: countIn(header(frameHeaders.needs)) || firstProtocol,
    status: statuses.find((known) => known === status) ?? 'quarantined',
    pool: poolIn(header(frameHeaders.pool)),
  }
}

/** '' where it is none: it becomes a token of a subject. */
const poolIn = (text: string): string => (/^[A-Za-z0-9_-]{0,256}$/.test(text) ? text : '')

/** 0 where it is no count: a header may say anything. */
function countIn(text: string): number {
  const count = Number(text)
  return Number.isSafeInteger(count) && count > 0 ? count : 0
}

export function decodeFrame(raw: RawFrame): Frame {
  const head = headFromHeaders(raw.seq, raw.header)
  const seal = raw.header(frameHeaders.seal)
  const base = { ...head, id: raw.header(frameHeaders.frame), role: raw.role, ...(seal === '' ? {} : { seal }) }
  const faulty = (fault: string): Frame => ({ ...base, prev: 0, at: 0, by: '', events: [], fault })
  if (raw.header(readFromHeader) !== '') return faulty('an answer of the broker, put where a frame belongs') // F6
  let body: unknown
  try {
    body = JSON.parse(raw.body)
  } catch {
    return faulty('a body that is no JSON')
  }
  if (typeof body !== 'object' || body === null) return faulty('a body that is no object')
  const { v, id, n, prev, at, by, trace, events } = body as Record<string, unknown>
  if (v !== 1)
    return head.needs > eventCodec.protocol
      ? { ...base, prev: 0, at: 0, by: '', events: [], written: [], beyond: 'a form of frame that is newer' }
      : faulty('an unknown frame version')
  if (typeof id !== 'string' || id !== base.id) return faulty('an id that differs from its header')
  if (n !== head.n || typeof prev !== 'number' || typeof at !== 'number' || typeof by !== 'string')
    return faulty('a body that differs from its headers')
  if (!Array.isArray(events)) return faulty('no events')
  const decoded = eventCodec.decodeAll(events, head.needs)
  if (decoded.kind === 'malformed') return faulty(decoded.why)
  const foreign = decoded.kind === 'known' && decoded.events.some(({ type }) => !maySayIn(raw.session, raw.role, type)) // F5
  const written = foreign ? events : decoded.written
  return {
    ...base,
    prev,
    at,
    by,
    ...(typeof trace === 'string' ? { trace } : {}),
    events: decoded.kind === 'known' && !foreign ? decoded.events : [],
    ...(written ? { written } : {}),
    ...(decoded.kind === 'beyond' ? { beyond: decoded.why } : {}),
  }
}
