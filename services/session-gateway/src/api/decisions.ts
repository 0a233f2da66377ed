// What a request comes to is decided in libs/session; here a refusal becomes the error that a client gets.
import { ReinsError } from '@reins/contracts'
import type { Decision, RequestOutcome } from '@reins/session'

// The doors ask the API alone.
export { type ControlVerb, controlVerbs } from '@reins/session'

/** undefined: nothing is to be appended. Throws session_ended, session_busy, session_conflict. */
export function decisionOf(outcome: RequestOutcome): Decision | undefined {
  switch (outcome.kind) {
    case 'append':
      return outcome.decision
    case 'unchanged':
      return undefined
    case 'refused': {
      const { code, why, status } = outcome
      throw new ReinsError(code, why, code === 'session_conflict' ? { details: { status } } : {})
    }
    default:
      return outcome satisfies never
  }
}
