// A frame before it is appended: what a writer has decided, put on the head that it decided on.
import type { Address, Role } from '../broker/subjects.ts'
import type { SessionEvent } from '../events/catalogue.ts'
import { eventCodec } from '../events/codec.ts'
import type { Frame, Head, Status } from './frame.ts'

/** A frame that has not been appended yet. */
export type Draft = Omit<Frame, 'seq' | 'hash' | 'written' | 'beyond' | 'fault'>

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
 * The frame that puts an order on a head: the one place where frames are made, for every writer. What it needs is what its events need, and never
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
    needs: Math.max(head.needs, eventCodec.needsOf(events)),
    status,
    pool: pool ?? head.pool,
    events,
  }
}
