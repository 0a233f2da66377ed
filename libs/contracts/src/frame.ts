// A frame: the events of one append, one JetStream message (PROTOCOL 2).
//   F1. `events` is the last member of the body, and the hash is over its bytes as they were written: reading never re-serialises.
//   F2. The headers alone are enough to address, chain and refuse the next frame.
//   F3. Decoding never throws: what is no frame is a fault that carries what the headers still say.
//   F4. Every writer's frame is made by draftOn, with the time that the writer folded its events with: a writer and a reader fold the same.
import { createHash } from 'node:crypto'
import { eventFault, firstProtocol, needsOf, type SessionEvent } from './events.ts'
import type { Address, Role } from './subjects.ts'

/** The protocol that this code speaks; a frame's `needs` above it may not be decided on. */
export const protocolVersion = 1

export const frameHeaders = {
  frame: 'Reins-Frame',
  n: 'Reins-N',
  hash: 'Reins-Hash',
  needs: 'Reins-Needs',
  status: 'Reins-Status',
  pool: 'Reins-Pool',
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
  readonly events: readonly SessionEvent[]
  /** Set where this message is no valid frame: `events` is empty then, and the headers are taken for what they say. */
  readonly fault?: string
}

/** A frame that has not been appended yet. */
export interface Draft {
  readonly id: string
  readonly n: number
  readonly prev: number
  readonly at: number
  readonly by: string
  readonly trace?: string
  readonly role: Role
  readonly needs: number
  readonly status: Status
  readonly pool: string
  readonly events: readonly SessionEvent[]
}

export const emptyHead = (session: string): Head => ({
  seq: 0,
  n: 0,
  hash: createHash('sha256').update(session).digest('base64url'),
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

/** Who appends: the instance or principal, the role that its subject says, and the new frame's id. */
export interface Writer {
  readonly frame: string
  readonly by: string
  readonly role: Role
}

/** What a writer has decided to append. */
export interface Order {
  readonly events: readonly SessionEvent[]
  readonly to: Address
  readonly status: Status
  /** Of a session's first frame, or where the head's is not good; otherwise the head's. */
  readonly pool?: string | undefined
  /** The trace that led to it (W3C traceparent). */
  readonly trace?: string | undefined
  /** epoch ms: the time with which the writer has folded the events, if it folds. */
  readonly at: number
}

/**
 * The frame that puts an order on a head: the one place where frames are made (F4). What it needs is what its events need, and never
 * less than the head, so a session that no newer event was said in stays every process's to decide on.
 */
export function draftOn(head: Head, { frame, by, role }: Writer, order: Order): Draft {
  const { events, status, pool, trace, at } = order
  return {
    id: frame,
    n: head.n + 1,
    prev: head.seq,
    at,
    by,
    ...(trace === undefined ? {} : { trace }),
    role,
    needs: Math.max(head.needs, needsOf(events)),
    status,
    pool: pool ?? head.pool,
    events,
  }
}

/** base64url(sha256(previous hash ‖ n ‖ id ‖ role ‖ at ‖ by ‖ needs ‖ bytes of `events`)): it survives a move to other subjects and sequences. */
export function frameHash(
  previous: string,
  draft: Pick<Draft, 'n' | 'id' | 'role' | 'at' | 'by' | 'needs'>,
  eventsJson: string,
): string {
  return createHash('sha256')
    .update(JSON.stringify([previous, draft.n, draft.id, draft.role, draft.at, draft.by, draft.needs]))
    .update(eventsJson)
    .digest('base64url')
}

export interface EncodedFrame {
  readonly body: string
  readonly hash: string
  readonly headers: readonly (readonly [string, string])[]
}

export function encodeFrame(draft: Draft, previousHash: string): EncodedFrame {
  const events = JSON.stringify(draft.events)
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
  readonly role: Role
  readonly body: string
  header(name: string): string
}

export function headFromHeaders(seq: number, header: (name: string) => string): Head {
  const status = header(frameHeaders.status)
  return {
    seq,
    n: Number(header(frameHeaders.n)) || 0,
    hash: header(frameHeaders.hash),
    needs: Number(header(frameHeaders.needs)) || firstProtocol,
    status: statuses.find((known) => known === status) ?? 'quarantined',
    pool: header(frameHeaders.pool),
  }
}

export function decodeFrame(raw: RawFrame): Frame {
  const head = headFromHeaders(raw.seq, raw.header)
  const base = { ...head, id: raw.header(frameHeaders.frame), role: raw.role }
  const faulty = (fault: string): Frame => ({ ...base, prev: 0, at: 0, by: '', events: [], fault })
  let body: unknown
  try {
    body = JSON.parse(raw.body)
  } catch {
    return faulty('a body that is no JSON')
  }
  if (typeof body !== 'object' || body === null) return faulty('a body that is no object')
  const { v, id, n, prev, at, by, trace, events } = body as Record<string, unknown>
  if (v !== 1)
    return head.needs > protocolVersion
      ? { ...base, prev: 0, at: 0, by: '', events: [] }
      : faulty('an unknown frame version')
  if (typeof id !== 'string' || id !== base.id) return faulty('an id that differs from its header')
  if (n !== head.n || typeof prev !== 'number' || typeof at !== 'number' || typeof by !== 'string')
    return faulty('a body that differs from its headers')
  if (!Array.isArray(events)) return faulty('no events')
  if (head.needs <= protocolVersion)
    for (const event of events) {
      const fault = eventFault(event)
      if (fault) return faulty(fault)
    }
  return {
    ...base,
    prev,
    at,
    by,
    ...(typeof trace === 'string' ? { trace } : {}),
    // Checked event by event above; of a newer protocol nothing is decided, so its events are only passed on.
    events: events as readonly SessionEvent[],
  }
}
