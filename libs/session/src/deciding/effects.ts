// Effects: what a process does once the frame that announces it is in. Each kind stands in the slice that brings it.
import type { Session } from '../session.ts'
import type { Effect } from '../slice.ts'
import { effectKinds } from '../slices.ts'

/** After an append whose frame is in, with everything above it folded: does the effect start, or is it somebody else's, or nobody's, by now? */
export const mayStart = (session: Session, effect: Effect, instance: string): boolean =>
  isOwn(session, effect, instance) && !session.cancel && !session.beyond

/** Whether the effect is open, and this instance's own: else what it does is nobody's any more. */
export const isOwn = (session: Session, effect: Effect, instance: string): boolean =>
  effectKinds[effect.kind].isOwn(session, effect, instance)
