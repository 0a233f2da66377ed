// What a request comes to is decided in libs/session; here a refusal gets the words that a client gets.
import { ReinsError } from '@reins/contracts'
import type { Decision, RequestOutcome } from '@reins/session'
import { type Refused, refused } from '../outcomes.ts'

// The doors ask the API alone.
export { type ControlVerb, controlVerbs } from '@reins/session'

export type Decided =
  | { readonly kind: 'append'; readonly decision: Decision }
  | { readonly kind: 'unchanged' }
  | Refused

export function decided(outcome: RequestOutcome): Decided {
  if (outcome.kind !== 'refused') return outcome
  const { code, why, status } = outcome
  return refused(new ReinsError(code, why, code === 'session_conflict' ? { details: { status } } : {}))
}
