// What is kept of a request with an Idempotency-Key (PROTOCOL 3.5): the port, and the form in which an entry is stored. Pure.
//   S1. A stored form is never edited: a new one has another `v`, and older ones are still read.
//   S2. What is of no form that is known here is unreadable, and says so: it is not taken for a key that was never used.
import { jsonValue } from '@reins/contracts'

/** The frame that a keyed request is going to append, noted before it is, and what came of it, once that is known. */
export interface IdempotencyEntry {
  /** Digest of the body: the same key with another body is a conflict. */
  readonly body: string
  readonly session: string
  readonly frame: string
  /** The message or cancel that the frame brings. */
  readonly subject: string
  /** The sequence that the frame was first conditional on. */
  readonly prev: number
  readonly outcome?: KeptOutcome
}

export interface KeptOutcome {
  readonly kind: (typeof outcomeKinds)[number]
  /** What the caller was told: whoever reads it checks its form. */
  readonly receipt: unknown
}

const outcomeKinds = ['started', 'accepted', 'unchanged'] as const

export type IdempotencyCreated =
  | { readonly kind: 'created' }
  | { readonly kind: 'existing'; readonly entry: IdempotencyEntry }
  /** The key was used, and a newer version than this one noted what for. */
  | { readonly kind: 'unreadable' }
  /** The keys of the day take all the room that they may: this one was not noted. */
  | { readonly kind: 'full' }

export interface IdempotencyStore {
  /** Rejects with BrokerUnavailable. */
  create(key: string, entry: IdempotencyEntry): Promise<IdempotencyCreated>
  /** Replaces the entry by one with its outcome. Rejects with BrokerUnavailable. */
  complete(key: string, entry: IdempotencyEntry): Promise<void>
  /** The key is as if it had never been used. Rejects with BrokerUnavailable. */
  forget(key: string): Promise<void>
}

const storedVersion = 2

export const encodeEntry = (entry: IdempotencyEntry): string => JSON.stringify({ v: storedVersion, ...entry })

/** undefined: S2. */
export function decodeEntry(text: string): IdempotencyEntry | undefined {
  const stored = jsonValue(text)
  if (!isObject(stored)) return undefined
  const { v, body, session, frame, subject, prev } = stored
  if (v !== undefined && v !== storedVersion) return undefined
  if (!isText(body) || !isText(session) || !isText(frame) || !isText(subject) || typeof prev !== 'number')
    return undefined
  const outcome = v === undefined ? outcomeOfAnswer(stored.answer) : keptOutcome(stored.outcome)
  return { body, session, frame, subject, prev, ...(outcome ? { outcome } : {}) }
}

function keptOutcome(outcome: unknown): KeptOutcome | undefined {
  if (!isObject(outcome)) return undefined
  const kind = outcomeKinds.find((one) => one === outcome.kind)
  return kind && { kind, receipt: outcome.receipt }
}

/**
 * S1: before version 2 the answer was kept, as HTTP had given it. 201: a session was made; 202, or a message into a session that
 * was there: something was appended; else nothing was.
 */
function outcomeOfAnswer(answer: unknown): KeptOutcome | undefined {
  if (!isObject(answer) || !isObject(answer.body)) return undefined
  const { status, body: receipt } = answer
  if (status === 201) return { kind: 'started', receipt }
  return { kind: status === 202 || 'messageId' in receipt ? 'accepted' : 'unchanged', receipt }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isText = (value: unknown): value is string => typeof value === 'string'
