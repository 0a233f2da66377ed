// Requests with an Idempotency-Key happen once (PROTOCOL 3.5). Requests without one pay nothing here.
//   K1. The entry stands before the append, with the ids that the frame will have: whoever repeats it, repeats that frame.
//   K2. An entry without an outcome is resolved by the log: the frame is in it, or is sent with the same id.
//   K3. What was refused before anything was appended leaves no trace: the corrected request may have the same key.
//   K5. Nothing that people said is kept here: who erases a session does not look for it in other people's keys.
//   K4. `asked` is part of every kept key: it is the text of the HTTP route, whichever door the request came by, and stays so.
import { createHash } from 'node:crypto'
import { canonicalJson, ReinsError } from '@reins/contracts'
import type { IdempotencyEntry, IdempotencyStore } from '@reins/journal'
import type { Log } from '@reins/telemetry'
import type { Caller } from '../caller.ts'
import { type Refused, refused, type Settled } from '../outcomes.ts'

/** What of a request makes it the same one when it comes again. */
export interface Keyed {
  readonly key: string
  /** What was asked, and of which session (K4). */
  readonly asked: string
  readonly body: unknown
}

/** The ids that a request's frame will have, fixed before it is appended. */
export interface Ids {
  readonly session: string
  readonly frame: string
  /** Of the message or cancel in it. */
  readonly subject: string
  /** The sequence that it is first conditional on. */
  readonly prev: number
}

export type Reservation<R> =
  /** Nothing of it can be in the log. */
  | { readonly kind: 'new'; readonly ids: Ids; readonly note: Note<R> }
  /** An earlier request may have appended the frame already (K2). */
  | { readonly kind: 'again'; readonly ids: Ids; readonly note: Note<R> }
  | { readonly kind: 'settled'; readonly ids: Ids; readonly settled: Settled<R> }
  | Refused

/** Where the outcome of a keyed request is kept. */
export interface Note<R> {
  /** Nobody needs to wait for it: without the outcome a repetition finds the frame in the log (K2). */
  settle(settled: Settled<R>): void
  /** K3. */
  forget(): Promise<void>
}

const nowhere: Note<never> = { settle: () => {}, forget: async () => {} }

/** `receiptOf` reads a kept receipt; undefined where it is none, and then the log tells (K2). Rejects where the store does not answer. */
export async function noteRequest<R>(
  store: IdempotencyStore,
  log: Log,
  caller: Caller,
  keyed: Keyed | undefined,
  ids: Ids,
  receiptOf: (kept: unknown) => R | undefined,
): Promise<Reservation<R>> {
  if (!keyed) return { kind: 'new', ids, note: nowhere }
  const key = digest([caller.principal, keyed.asked, keyed.key])
  const entry: IdempotencyEntry = { ...ids, body: digest([canonicalJson(keyed.body ?? null)]) }
  const created = await store.create(key, entry)
  const note = (kept: IdempotencyEntry): Note<R> => ({
    settle: (outcome) =>
      void store
        .complete(key, { ...kept, outcome })
        .catch((error: unknown) => log.warn({ error }, 'the outcome of a keyed request was not noted')),
    forget: () => store.forget(key).catch(() => undefined),
  })
  switch (created.kind) {
    case 'created':
      return { kind: 'new', ids, note: note(entry) }
    case 'unreadable':
      log.warn({ key }, 'what stands under the key of a request is not of a gateway, or of a newer version')
      return refused(unreadable(keyed.key))
    case 'full':
      return refused(noRoom())
    case 'existing': {
      const { entry: kept } = created
      if (kept.body !== entry.body) return refused(conflict(keyed.key))
      const receipt = kept.outcome && receiptOf(kept.outcome.receipt)
      return kept.outcome && receipt !== undefined
        ? { kind: 'settled', ids: kept, settled: { kind: kept.outcome.kind, receipt } }
        : { kind: 'again', ids: kept, note: { ...note(kept), forget: async () => {} } }
    }
    default:
      return created satisfies never
  }
}

const conflict = (key: string): ReinsError =>
  new ReinsError('idempotency_conflict', `The Idempotency-Key ${key} was used before, with another body.`)

const unreadable = (key: string): ReinsError =>
  new ReinsError(
    'idempotency_conflict',
    `The Idempotency-Key ${key} was used before, with a request that this gateway cannot read: a newer version noted it, or nobody who may.`,
    { next: 'Check whether the first request took effect. Use a new key for what is still to be done.' },
  )

const noRoom = (): ReinsError =>
  new ReinsError('storage_full', 'The Idempotency-Keys of the last 24 hours take all the room that they may have.', {
    next: 'Send the request without an Idempotency-Key, or with one later: a key is forgotten after 24 hours.',
  })

/** Throws invalid_request. */
export function checkKey(key: string): string {
  if (/^[\x21-\x7e]{1,200}$/.test(key)) return key
  throw new ReinsError('invalid_request', 'The Idempotency-Key is not valid: it must have 1 to 200 visible characters.')
}

const digest = (parts: readonly string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex')
