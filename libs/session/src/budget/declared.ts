// What the start of a session says of its budget: the smallest of what its definition, whoever starts it, the session above and the
// operator allow.
import {
  type AgentDefinition,
  type Budget,
  type BudgetLimits,
  budgetLimits,
  hasLimit,
  narrowest,
  type SessionEvent,
} from '@reins/contracts'

export interface BudgetSources {
  readonly definition: Pick<AgentDefinition, 'budget'>
  /** Of whoever starts the session. */
  readonly asked?: Budget | undefined
  /** Of a child: its slice. */
  readonly granted?: BudgetLimits | undefined
  /** Of the operator. */
  readonly ceiling?: BudgetLimits | undefined
}

/** Empty: nothing limits it. */
export function budgetDeclared({ definition, asked, granted, ceiling }: BudgetSources): readonly SessionEvent[] {
  const limits = narrowest(budgetLimits(definition.budget), budgetLimits(asked), granted, ceiling)
  return hasLimit(limits) ? [{ type: 'budget.declared', data: limits }] : []
}
