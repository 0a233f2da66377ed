// due: what must happen next in a session.
//   D1. Pure, and the only source of effects. Ids come from the frame's number: `t7` and `c7` are the turn and the model call that frame 7 began.
//   D2. A cancel comes before everything else, also when the session is paused.
import type { Session } from '../session.ts'
import type { Due } from '../slice.ts'
import { dueRules } from '../slices.ts'

/** null: nothing is due. `n`, `at`: number and time of the frame that the answer will stand in. */
export function due(session: Session, n: number, at = 0): Due | null {
  if (session.beyond) return null // S5
  for (const rule of dueRules) {
    const next = rule(session, n, at)
    if (next === 'rest') return null
    if (next) return next
  }
  return null
}
