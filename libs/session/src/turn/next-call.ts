// Whether a turn with no call in flight goes on with another model call, or has its answer.
import { asksAgain } from '../output/output.ts'
import type { Session } from '../session.ts'

export function beginsModelCall({ turn, inbox }: Session): boolean {
  if (!turn) return false
  if (!turn.answered || turn.calls.length > 0 || asksAgain(turn)) return true
  return !turn.answered.final && inbox.some(({ onBusy }) => onBusy === 'join')
}
