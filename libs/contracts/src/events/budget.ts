// budget.*: how much a session may use, that it has come to a limit, and that a person has raised one. What is used stands in the
// events of model calls, compactions and delegations.
import { Type } from 'typebox'
import { BudgetLimits, BudgetName } from '../budget/limits.ts'
import { id } from './fields.ts'

const amount = Type.Number({ minimum: 0 })

export const budgetEvents = {
  /** Beside session.started. Of a child it is the slice that the session above has given it. */
  'budget.declared': BudgetLimits,
  /**
   * The turn ends for it. `spent`, `limit`: tokens, US dollars, calls, or ms of wall_time. `held`: what is set aside for sessions below
   * that go on. `needed`: what the next step takes at most.
   */
  'budget.reached': Type.Object({
    turn: id,
    budget: BudgetName,
    spent: amount,
    limit: amount,
    held: Type.Optional(amount),
    needed: Type.Optional(amount),
  }),
  /**
   * Beside the prompt of a run, and in the session below beside its message: what that may use of the run's budget until it has answered,
   * besides what it has used before.
   */
  'budget.granted': Type.Object({ message: id, limits: BudgetLimits }),
  /** The new limits; those that are absent stay. */
  'budget.raised': BudgetLimits,
}
