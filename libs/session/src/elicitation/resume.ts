// A call that waited for a person, as the runners are asked for it again: with the attempt that asked, and all answers.
import type { GivenAnswer, RequestedCall } from '@reins/contracts'
import type { Call } from '../session.ts'

export function resumeOf({ state, elicited = [] }: Call): Pick<RequestedCall, 'resume'> {
  if (state.kind !== 'due' || !state.resume || elicited.length === 0) return {}
  const { attempt, by, nothingRan } = state.resume
  const answers = elicited.map(({ elicitation, key, action, content, expired }): GivenAnswer => {
    return { elicitation, key, action, ...(content ? { content } : {}), ...(expired ? { expired } : {}) }
  })
  return { resume: { attempt, by, ...(nothingRan ? { nothingRan } : {}), answers } }
}
