// The ends of steps among what a replay says.
import type { SessionEvent } from '@reins/contracts'

export const isStepEnd = ({ type }: SessionEvent): boolean => type === 'run.step-ended'

/** Of what a replay says, that steps have ended, with the lines that the code wrote until then: it is so, whatever may begin now. */
export function endsOfSteps(events: readonly SessionEvent[]): readonly SessionEvent[] {
  const upTo = events.findLastIndex(isStepEnd) + 1
  return events.slice(0, upTo).filter((event) => event.type === 'run.logged' || isStepEnd(event))
}
