// A person raises a budget, decided on the fold at the head. Where the latest turn has ended for it, the session goes on.
import {
  amountText,
  type BudgetLimits,
  budgetNames,
  type EventOf,
  limitNamed,
  type SessionEvent,
  toExec,
} from '@reins/contracts'
import { append, type RequestOutcome, refused, unchanged } from '../deciding/decision.ts'
import type { Fold } from '../folding/fold.ts'

/** Refused: session_ended, session_conflict. `goOn`: what is said to the model where a turn has ended for the budget. */
export function raiseBudget(
  { session, head }: Fold,
  raise: BudgetLimits,
  ceiling: BudgetLimits,
  goOn: EventOf<'message.received'> | null,
  /** What the message asks for besides. */
  asked: readonly SessionEvent[] = [],
): RequestOutcome {
  if (head.status === 'ended') return refused('session_ended', head)
  const { budget, born } = session
  if (!budget) return refused('session_conflict', head, 'The session has no budget: nothing limits it.')
  if (born?.parent)
    return refused(
      'session_conflict',
      head,
      `The budget of this session is a part of the budget of ${born.parent.session}, which delegated to it. Raise it there: reins session budget ${born.parent.session}`,
    )
  for (const name of budgetNames) {
    const limit = limitNamed(budget.limits, name)
    const wanted = limitNamed(raise, name)
    const most = limitNamed(ceiling, name)
    if (wanted === undefined) continue
    if (limit === undefined)
      return refused(
        'session_conflict',
        head,
        `The budget of the session has no limit of ${name}: there is nothing to raise.`,
      )
    if (wanted < limit)
      return refused(
        'session_conflict',
        head,
        `The limit of ${name} is ${amountText(name, limit)} already, and a budget can only be raised.`,
      )
    if (most !== undefined && wanted > most)
      return refused('session_conflict', head, `The operator allows ${amountText(name, most)} of ${name} at most.`)
  }
  const changes = budgetNames.some((name) => (limitNamed(raise, name) ?? 0) > (limitNamed(budget.limits, name) ?? 0))
  if (!changes) return unchanged
  const goesOn = goOn !== null && budget.reached !== undefined && !session.turn && session.inbox.length === 0
  const events: readonly SessionEvent[] = [{ type: 'budget.raised', data: raise }, ...(goesOn ? [goOn, ...asked] : [])]
  return append({ events, to: toExec(head.pool), status: head.status })
}

export const goOnWords = 'The budget was raised. Go on where you stopped.'
