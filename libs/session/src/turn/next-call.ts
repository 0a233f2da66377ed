// Whether a turn with no call in flight goes on with another model call, or has its answer.
import { asksAgain } from '../output/output.ts'
import type { Session } from '../session.ts'

export function beginsModelCall({ turn, inbox, run }: Session): boolean {
  if (!turn || turn.asked) return false
  if (!turn.answered || turn.calls.length > 0 || asksAgain(turn)) return true
  // Of a session whose code decides, the code is given what people say.
  return !turn.answered.final && !run && inbox.some(({ onBusy }) => onBusy === 'join')
}
