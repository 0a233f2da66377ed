// A request that is being answered, whatever it is about: for as long as whoever sent it may have the answer.
//   RQ1. When the token that it came with ends, or loses what the request needs, the request is answered with that, and with nothing else.
//        What waits for it is told by its signal; what it had written stays written.
//   RQ2. Who waits for something to happen takes one of the places of their open streams.
//   RQ5. Who reads takes of a share too, and has a place among what is read for the same principal: until it waits for something to happen.
//   RQ4. Who changes something takes of their share. What appends to a session takes of it there: other doors lead there too.
//   RQ3. Most requests are over before that could be found out, and cost one timer.
import { ReinsError } from '@reins/contracts'
import { type Alternatives, among, type Subject } from '../api/access/needs.ts'
import { allowedTo, asOfNow, type Caller, type Needing } from '../api/caller.ts'
import type { Credential, Leases, Still } from './leases.ts'
import type { Quotas } from './quotas.ts'

/** What is asked for, and of what, as far as the request's path says it. */
export type AttendedTo = Needing & {
  readonly about: Subject
  /** RQ4: of a request that changes something elsewhere than in a session. */
  readonly changes?: { readonly bytes: number } | undefined
  /** RQ5. */
  readonly reads?: boolean
}

type Shares = Pick<Quotas, 'write' | 'reading' | 'read' | 'mayStream' | 'streamOpened'>

/** RQ1, RQ2: of a request that waits. Aborts with `closed` too. Throws too_many_requests. */
export type Over = (closed: AbortSignal) => AbortSignal

/** ms after which a request may be ended. */
const quickMs = 500

export class Attended {
  readonly #leases: Pick<Leases<Credential>, 'hold'>
  readonly #quotas: Shares

  constructor(leases: Pick<Leases<Credential>, 'hold'>, quotas: Shares) {
    this.#leases = leases
    this.#quotas = quotas
  }

  /** Rejects as `answer` does, with unauthorized (RQ1) and too_many_requests (RQ4, RQ5). */
  async answered<T>(caller: Caller, to: AttendedTo, answer: (over: Over) => Promise<T>): Promise<T> {
    const { credential } = caller
    if (!credential) return answer((closed) => closed)
    if (to.changes) this.#quotas.write(caller, to.changes.bytes, 'nothing') // RQ4
    const place = to.reads ? this.#quotas.reading(caller) : undefined // RQ5
    const done = place instanceof Promise ? await place : place
    try {
      // Whoever waited may have been shut out meanwhile.
      if (place instanceof Promise) asOfNow(caller)
      return await this.#whileAllowed(caller, credential, to, done, answer)
    } finally {
      done?.()
    }
  }

  /** RQ5. An answer of so many bytes was sent. */
  sent(caller: Caller, bytes: number): void {
    if (caller.credential) this.#quotas.read(caller, bytes)
  }

  /** RQ1. `waits`: called when the request waits for something to happen. */
  async #whileAllowed<T>(
    caller: Caller,
    credential: Credential,
    to: AttendedTo,
    waits: (() => void) | undefined,
    answer: (over: Over) => Promise<T>,
  ): Promise<T> {
    const ended = new AbortController()
    const end = Promise.withResolvers<never>()
    // Whoever is not asked for it any more has nothing to say.
    end.promise.catch(() => undefined)
    let leave: (() => void) | undefined
    let letGo: (() => void) | undefined
    const still = stillAllowed(caller, to)
    const why = (error: ReinsError): void => {
      end.reject(error)
      ended.abort(error)
    }
    const hold = setTimeout(() => {
      letGo = this.#leases.hold(credential, why, still)
    }, quickMs).unref() // RQ3
    const over: Over = (closed) => {
      waits?.()
      if (!leave) {
        this.#quotas.mayStream(caller) // RQ2
        leave = this.#quotas.streamOpened(caller)
      }
      return AbortSignal.any([closed, ended.signal])
    }
    try {
      return await Promise.race([answer(over), end.promise])
    } finally {
      clearTimeout(hold)
      letGo?.()
      leave?.()
    }
  }
}

/** Whether all that the request might be about may still be asked for. */
function stillAllowed(caller: Caller, to: AttendedTo): Still {
  let { permissions } = caller
  let before: Alternatives | undefined
  return () => {
    const now = asOfNow(caller)
    if (now.permissions === permissions) return undefined
    before ??= allowedTo(caller, to, to.about)
    permissions = now.permissions
    const allowed = allowedTo(now, to, to.about)
    return before.every((one) => among(allowed, one)) ? undefined : changed(caller.principal)
  }
}

const changed = (principal: string): ReinsError =>
  new ReinsError('unauthorized', `What ${principal} may do has changed while the request was being answered.`, {
    details: { reason: 'permissions' },
    next: 'Ask again: what the request had written by then stays, and what may still be read is shown.',
  })
