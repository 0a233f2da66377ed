// Steering a session: what a person may ask of it besides a message. Each slice adds its verbs to the table.
//   W3. Harmless repetitions append nothing: a pause of a paused session, an end of an ended one.
import type { Head } from '@reins/contracts'
import { cancelControls } from '../cancel/cancel-controls.ts'
import { type RequestOutcome, refused, unchanged } from './decision.ts'
import { lifecycleControls } from '../lifecycle/lifecycle-controls.ts'

const controls = { ...cancelControls, ...lifecycleControls }

export type ControlVerb = keyof typeof controls
export const controlVerbs = Object.keys(controls) as ControlVerb[]

/** Refused: session_ended, session_conflict. */
export function steer(verb: ControlVerb, id: string, head: Head): RequestOutcome {
  if (head.status === 'ended') return verb === 'end' ? unchanged : refused('session_ended', head)
  return controls[verb](head, id)
}
