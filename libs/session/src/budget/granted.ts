// The budget of a run of a workflow: its code uses nothing itself, so all of it is for its prompts.
//   BG1. With each prompt so much is set aside in the run, and the session below may use that until it has answered. What it has not used
//        comes back with its answer (BU2 of budget.ts).
//   BG2. The limits that the definition of the session below has of its own hold besides.
import { type BudgetLimits, type EventOf, exactUsd, hasLimit, narrowest } from '@reins/contracts'
import { withChild } from '../delegation/team.ts'
import { openOf, type Prompt } from '../run/run-state.ts'
import type { Session } from '../session.ts'
import type { Meanings } from '../slice.ts'
import { left, lent, noBudget } from './budget.ts'

export const grantedEvents: Meanings<'budget.granted'> = {
  'budget.granted': {
    effective: true,
    evolve: (session, { data }) => (session.run ? setAside(session, data) : given(session, data)),
  },
}

/** BG1. What of an earlier prompt has not come back yet stays set aside. */
function setAside(session: Session, { message, limits }: EventOf<'budget.granted'>['data']): Session {
  const { run } = session
  const found = run && openOf(run, 'prompt').find(({ waits }) => waits.call === message)
  const old = found && run.operations.at(found.position)
  if (!found || old?.state !== 'open' || found.waits.granted) return session
  const waits: Prompt = { ...found.waits, granted: limits }
  const after = { ...session, run: { ...run, operations: run.operations.with(found.position, { ...old, waits }) } }
  return withChild(after, waits.child, (child) => child && { ...child, budget: sum(child.budget ?? {}, limits) })
}

/** BG2. */
function given(session: Session, { limits }: EventOf<'budget.granted'>['data']): Session {
  if (!session.born) return session
  const { refusedFrom: _, reached: __, ...budget } = session.budget ?? noBudget
  const own = budget.own ?? budget.limits
  const aside = lent(session)
  const used = {
    tokens: budget.spent.tokens + aside.tokens,
    usd: budget.spent.usd + aside.usd,
    toolCalls: budget.spent.toolCalls + aside.toolCalls,
  }
  return { ...session, budget: { ...budget, own, limits: narrowest(own, sum(used, limits, limits)) } }
}

/** Of the limits that `of` has; without it, of those of either. */
function sum(one: BudgetLimits, other: BudgetLimits, of: BudgetLimits = { ...one, ...other }): BudgetLimits {
  const { tokens, usd, toolCalls } = of
  return {
    ...(tokens === undefined ? {} : { tokens: (one.tokens ?? 0) + (other.tokens ?? 0) }),
    ...(usd === undefined ? {} : { usd: exactUsd((one.usd ?? 0) + (other.usd ?? 0)) }),
    ...(toolCalls === undefined ? {} : { toolCalls: (one.toolCalls ?? 0) + (other.toolCalls ?? 0) }),
  }
}

/**
 * What a prompt may use: half of what is left, so that others that begin beside it have some. `besides`: what is set aside for prompts that
 * are not recorded yet. undefined: nothing limits it.
 */
export function promptSlice(session: Session, besides: readonly BudgetLimits[] = []): BudgetLimits | undefined {
  if (!session.budget) return undefined
  const rest = left(session)
  const aside = besides.reduce<BudgetLimits>((all, one) => sum(all, one), {})
  const half = (there: number, less = 0) => Math.ceil(Math.max(there - less, 0) / 2)
  const usd = exactUsd(Math.floor((Math.max(rest.usd - (aside.usd ?? 0), 0) / 2) * 1e9) / 1e9)
  const slice = {
    ...(rest.tokens === Number.POSITIVE_INFINITY ? {} : { tokens: half(rest.tokens, aside.tokens) }),
    ...(rest.usd === Number.POSITIVE_INFINITY ? {} : { usd }),
    ...(rest.toolCalls === Number.POSITIVE_INFINITY ? {} : { toolCalls: half(rest.toolCalls, aside.toolCalls) }),
  }
  return hasLimit(slice) ? slice : undefined
}
