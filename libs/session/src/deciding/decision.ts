// What one writer appends on a head, and what a person's request comes to. Every writer's rule gives one of these.
import type { Address, Head, SessionEvent, Status } from '@reins/contracts'

export interface Decision {
  readonly events: readonly SessionEvent[]
  /** Who must act on the frame. */
  readonly to: Address
  /** The status that the frame shows (PROTOCOL 2). */
  readonly status: Status
  /** Only for a session's first frame: every later one copies the pool of the head. */
  readonly pool?: string
  /** Of what led to it, where the frame belongs to a turn's trace. */
  readonly trace?: string | undefined
}

export type RefusalCode = 'session_ended' | 'session_busy' | 'session_conflict'

/** What a request comes to, on the head that it was decided on. */
export type RequestOutcome =
  | { readonly kind: 'append'; readonly decision: Decision }
  /** The session is in that state already: a harmless repetition appends nothing. */
  | { readonly kind: 'unchanged' }
  /** `status`: the head's. `why`: a whole sentence; without one the code's own message says enough. */
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly status: Status; readonly why?: string }

/** Something that a person may ask of a session which has not ended. `id`: of what is asked for, where that has an id. */
export type Control = (head: Head, id: string) => RequestOutcome

export const append = (decision: Decision): RequestOutcome => ({ kind: 'append', decision })
export const unchanged: RequestOutcome = { kind: 'unchanged' }
export const refused = (code: RefusalCode, { status }: Head, why?: string): RequestOutcome => ({
  kind: 'refused',
  code,
  status,
  ...(why === undefined ? {} : { why }),
})
