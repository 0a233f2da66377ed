// Requests with an Idempotency-Key happen once (PROTOCOL 3.5). Requests without one pay nothing here.
//   K1. The entry stands before the append, with the ids that the frame will have: whoever repeats it, repeats that frame.
//   K2. An entry without an answer is resolved by the log: the frame is in it, or is sent with the same id.
//   K3. What was refused before anything was appended leaves no trace: the corrected request may have the same key.
import { createHash } from 'node:crypto'
import { canonicalJson, errorTable, ReinsError } from '@reins/contracts'
import type { IdempotencyEntry, IdempotencyStore } from '@reins/journal'
import type { Log } from '@reins/telemetry'
import type { Caller } from './caller.ts'

/** What of a request makes it the same one when it comes again. */
export interface Keyed {
  readonly key: string
  /** Method and path. */
  readonly target: string
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

export interface Done {
  readonly status: number
  readonly body: unknown
}

/** Runs `act` once for one key: `again` is true where an earlier request may have appended the frame already. */
export async function once<T extends Done>(
  store: IdempotencyStore,
  log: Log,
  caller: Caller,
  keyed: Keyed | undefined,
  ids: Ids,
  act: (ids: Ids, again: boolean) => Promise<T>,
): Promise<T | Done> {
  if (!keyed) return act(ids, false)
  const key = digest([caller.principal, keyed.target, keyed.key])
  const entry: IdempotencyEntry = { ...ids, body: digest([canonicalJson(keyed.body ?? null)]) }
  const created = await store.create(key, entry)
  if (created.kind === 'existing') {
    if (created.entry.body !== entry.body)
      throw new ReinsError('idempotency_conflict', `The Idempotency-Key ${keyed.key} was used with another body.`)
    if (created.entry.answer) return created.entry.answer
  }
  const noted = created.kind === 'existing' ? created.entry : entry
  let done: T
  try {
    done = await act(noted, created.kind === 'existing')
  } catch (error) {
    // K3. Only the first request with the key knows that nothing of it can be in the log.
    if (created.kind === 'created' && isRefusal(error)) await store.forget(key).catch(() => undefined)
    throw error
  }
  // Without the answer a repetition finds the frame in the log (K2): nobody needs to wait for this.
  void store
    .complete(key, { ...noted, answer: { status: done.status, body: done.body } })
    .catch((error: unknown) => log.warn({ error }, 'the answer of a keyed request was not noted'))
  return done
}

/** Refused for good, wherever it is asked, so nothing was appended: unlike `unavailable`, after which the frame may be in. */
const isRefusal = (error: unknown): boolean => error instanceof ReinsError && errorTable[error.code].retry === 'never'

/** The header's value, or undefined without one. */
export function keyOf(header: string | readonly string[] | undefined): string | undefined {
  if (header === undefined) return undefined
  const key = typeof header === 'string' ? header : header.join(',')
  if (!/^[\x21-\x7e]{1,200}$/.test(key))
    throw new ReinsError('invalid_request', 'The Idempotency-Key is not valid: 1 to 200 visible characters are.')
  return key
}

const digest = (parts: readonly string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex')
