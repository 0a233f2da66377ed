// What comes of a request that writes, as values: each door says it in the words of its protocol.
import type { ErrorBody, TurnResult } from '@reins/contracts'
import { ReinsError } from '@reins/contracts'

/** `R`: what its caller is told. */
export interface Settled<R> {
  /** started: a session was made. accepted: something was appended to one that was there. unchanged: there was nothing to append. */
  readonly kind: 'started' | 'accepted' | 'unchanged'
  readonly receipt: R
}

/** The request came before, with the same key: `first` is what came of it then. */
export interface Repeated<R> {
  readonly kind: 'repeated'
  readonly first: Settled<R>
}

/** Where the caller waits: the turn that holds the message has ended, after the request was `settled`. */
export interface TurnEnded<R> {
  readonly kind: 'turn-ended'
  readonly settled: Settled<R> | Repeated<R>
  readonly result: TurnResult
}

export interface Refused extends ErrorBody {
  readonly kind: 'refused'
}

export type Outcome<R> = Settled<R> | Repeated<R> | TurnEnded<R> | Refused

export const refused = (error: ReinsError): Refused => ({ kind: 'refused', ...error.body() })

/** For a door whose protocol throws. */
export const errorOf = ({ code, message, details, next }: Refused): ReinsError =>
  new ReinsError(code, message, { details, ...(next === undefined ? {} : { next }) })

export const firstOf = <R>(settled: Settled<R> | Repeated<R>): Settled<R> =>
  settled.kind === 'repeated' ? settled.first : settled
