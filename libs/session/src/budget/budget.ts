// Budgets: how much a session may use, all that is delegated from it included. Pure data, part of the fold.
//   BU1. What a model call takes at most is set aside in the frame that announces it, and settled by the frame of its outcome. Of an attempt
//        whose usage nobody knows (lost, cancelled, broken off), what was set aside counts as spent.
//   BU2. A child spends only its slice. The slice is set aside in the parent where the child is asked for; with the end of the child what it
//        has spent counts there, and the rest comes back. So children that work side by side cannot exceed the budget together.
//   BU3. Nothing here knows a price or the time: prices stand in the events, and time is over when a timer has fired.
import {
  addUsd,
  type BudgetLimits,
  type BudgetName,
  type EventData,
  type EventOf,
  exactUsd,
  type ModelPrice,
  type Reserved,
  type Spent,
} from '@reins/contracts'
import type { Child } from '../delegation/team.ts'
import type { Session } from '../session.ts'
import type { Meanings } from '../slice.ts'

/** The attempt to ask a model that is in flight, as far as it costs something. `call`: or the compaction. */
export interface Metered {
  readonly call: string
  readonly attempt: number
  readonly price?: ModelPrice
  readonly reserved: Reserved
}

export interface BudgetState {
  readonly limits: BudgetLimits
  /** Below a run that has a budget: what limits it besides (BG2 of granted.ts). */
  readonly own?: BudgetLimits
  /** By the session itself, and by those below it that have ended. */
  readonly spent: Spent & { /** ms, of turns that have ended */ readonly wallTime: number }
  /** epoch ms: when the open turn began. */
  readonly began?: number
  /** The timer of the open turn's time that was armed last. */
  readonly armed?: string
  /** Most of the time of the open turn is over. */
  readonly late?: true
  /** Calls of the latest answer from this place on are beyond the budget. */
  readonly refusedFrom?: number
  /** Why the latest turn has ended, where a person may let it go on. */
  readonly reached?: { readonly turn: string; readonly budget: BudgetName }
}

const nothing: BudgetState['spent'] = { tokens: 0, usd: 0, toolCalls: 0, wallTime: 0 }

export const noBudget: BudgetState = { limits: {}, spent: nothing }

export const budgetEvents: Meanings<'budget.declared' | 'budget.reached' | 'budget.raised'> = {
  'budget.declared': {
    effective: true,
    evolve: (session, { data }) =>
      session.born && !session.budget ? { ...session, budget: { limits: data, spent: nothing } } : session,
  },
  'budget.reached': {
    effective: true,
    evolve: (session, { data: { turn, budget } }) =>
      session.budget && session.turn?.id === turn
        ? { ...session, budget: { ...session.budget, reached: { turn, budget } } }
        : session,
  },
  'budget.raised': { evolve: raised },
}

function raised(session: Session, { data }: EventOf<'budget.raised'>): Session {
  if (!session.budget) return session
  const { refusedFrom: _, reached: __, ...budget } = session.budget
  return { ...session, budget: { ...budget, limits: { ...budget.limits, ...data } } }
}

/** Slices that have not come back: of each child that may still spend. */
const slices = ({ team }: Session): readonly BudgetLimits[] =>
  Object.values(team?.children ?? {}).flatMap(({ budget }: Child) => budget ?? [])

/** What is set aside for sessions below. */
export const lent = (session: Session): Spent =>
  slices(session).reduce<Spent>(
    (sum, slice) => ({
      tokens: sum.tokens + (slice.tokens ?? 0),
      usd: addUsd(sum.usd, slice.usd ?? 0),
      toolCalls: sum.toolCalls + (slice.toolCalls ?? 0),
    }),
    { tokens: 0, usd: 0, toolCalls: 0 },
  )

/** What is set aside for sessions below and for the attempt in flight. */
function held(session: Session): Spent {
  const below = lent(session)
  const { tokens = 0, usd = 0 } = session.metered?.reserved ?? {}
  return { ...below, tokens: below.tokens + tokens, usd: addUsd(below.usd, usd) }
}

/** What may still be spent or set aside; Infinity where there is no limit. */
export function left(session: Session): Spent {
  const { limits, spent } = session.budget ?? { limits: {}, spent: nothing }
  const aside = held(session)
  const rest = (limit: number | undefined, used: number) =>
    limit === undefined ? Number.POSITIVE_INFINITY : Math.max(exactUsd(limit - used), 0)
  return {
    tokens: rest(limits.tokens, spent.tokens + aside.tokens),
    usd: rest(limits.usd, addUsd(spent.usd, aside.usd)),
    toolCalls: rest(limits.toolCalls, spent.toolCalls + aside.toolCalls),
  }
}

/** What a session that has come to its end counts for in the session above: what it has set aside for others may still be spent (BU2). */
export function spentBy(session: Session): Spent {
  const { tokens, usd, toolCalls } = session.budget?.spent ?? nothing
  const aside = held(session)
  return { tokens: tokens + aside.tokens, usd: addUsd(usd, aside.usd), toolCalls: toolCalls + aside.toolCalls }
}

export const withBudget = (session: Session, change: (budget: BudgetState) => BudgetState): Session =>
  session.budget ? { ...session, budget: change(session.budget) } : session

export const withSpent = (session: Session, more: Partial<Spent>): Session =>
  withBudget(session, (budget) => ({
    ...budget,
    spent: {
      ...budget.spent,
      tokens: budget.spent.tokens + (more.tokens ?? 0),
      usd: addUsd(budget.spent.usd, more.usd ?? 0),
      toolCalls: budget.spent.toolCalls + (more.toolCalls ?? 0),
    },
  }))

/** As its announcement says; nothing was set aside where that says nothing. */
export function metering(
  session: Session,
  call: string,
  { attempt, price, reserved }: Pick<EventData<'model-call.started'>, 'attempt' | 'price' | 'reserved'>,
): Session {
  const { metered: _, ...rest } = session
  if (price === undefined && reserved === undefined) return session.metered ? rest : session
  return {
    ...session,
    metered: { call, attempt, reserved: reserved ?? { tokens: 0 }, ...(price === undefined ? {} : { price }) },
  }
}
