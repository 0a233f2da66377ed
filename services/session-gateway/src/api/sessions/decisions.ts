// What a request comes to is decided in libs/session; here a refusal gets the words that a client gets.
import { type Head, ReinsError } from '@reins/contracts'
import type { Decision, RequestOutcome } from '@reins/session'
import { type Refused, refused } from '../outcomes.ts'

// The doors ask the API alone.
export { type ControlVerb, controlVerbs } from '@reins/session'

/** Besides, what is decided on the folded session: to compact its context, and to undo that. */
export const contextVerbs = ['compact', 'restore'] as const
export type ContextVerb = (typeof contextVerbs)[number]
export const isContextVerb = (verb: string): verb is ContextVerb => verb === 'compact' || verb === 'restore'

export type Decided =
  /** `on`: the head that a fork goes on behind, which is of another session. Absent: the head that was decided on. */
  | { readonly kind: 'append'; readonly decision: Decision; readonly on?: Head }
  | { readonly kind: 'unchanged' }
  | Refused

export function decided(outcome: RequestOutcome): Decided {
  if (outcome.kind !== 'refused') return outcome
  const { code, why, status } = outcome
  return refused(new ReinsError(code, why, code === 'session_conflict' ? { details: { status } } : {}))
}
