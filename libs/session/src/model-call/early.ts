// Which model calls may go out together with the frame that announces them (PROTOCOL 4b): a call has no effect but what it costs, so one
// whose announcement is refused is dropped as if it had never been. Pure.
//   EA1. A first attempt alone: whoever takes a call over does not know yet whether another does, too.
//   EA2. No call under a budget: what the log does not say is set aside by nobody.
import type { Plan } from '../deciding/plan.ts'
import type { Session } from '../session.ts'

/** `before`: the session that was planned on. */
export function mayGoEarly(before: Session, { effect, after }: Pick<Plan, 'effect' | 'after'>): boolean {
  if (effect?.kind !== 'call-model' || effect.attempt !== 1) return false
  return !before.budget && !after.budget
}
