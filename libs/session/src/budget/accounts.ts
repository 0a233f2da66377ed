// What events of other slices cost: it counts where the event itself counts, and stands here for all of them.
//   AC1. An event that changes nothing costs nothing: a second outcome is charged as little as it is believed.
import {
  addUsage,
  addUsd,
  type EventOf,
  type EventType,
  exactUsd,
  type Reserved,
  type Spent,
  type Usage,
} from '@reins/contracts'
import { childOf, withChild } from '../delegation/team.ts'
import type { Session } from '../session.ts'
import type { Meaning, Meanings, Origin } from '../slice.ts'
import { left, metering, withBudget, withSpent } from './budget.ts'
import { wallTimers } from './wall-time.ts'

type Then<T extends EventType> = (after: Session, event: EventOf<T>, origin: Origin, before: Session) => Session

/** AC1. */
const counting = <T extends EventType>(meaning: Meaning<EventOf<T>>, then: Then<T>): Meaning<EventOf<T>> => ({
  ...meaning,
  evolve(session, event, origin) {
    const after = meaning.evolve(session, event, origin)
    return after === session ? session : then(after, event, origin, session)
  },
})

export const accounted = (all: Meanings<EventType>): Meanings<EventType> => ({
  ...all,
  'model-call.started': counting(all['model-call.started'], (after, { data }) => metering(after, data.call, data)),
  'context.compaction-started': counting(all['context.compaction-started'], (after, { data }) =>
    metering(after, data.compaction, data),
  ),
  'model-call.completed': counting(all['model-call.completed'], (after, { data }) =>
    withCalls(settled(after, data.usage, data.usd)),
  ),
  'context.compacted': counting(all['context.compacted'], (after, { data: { usage, usd } }) =>
    usage ? settled(withUsage(after, usage), usage, usd) : after,
  ),
  'model-call.failed': counting(all['model-call.failed'], (after, { data }) => charged(after, data.charged)),
  'model-call.throttled': counting(all['model-call.throttled'], (after, { data }) => charged(after, data.charged)),
  'context.compaction-failed': counting(all['context.compaction-failed'], (after, { data }) =>
    charged(after, data.charged),
  ),
  'context.compaction-throttled': counting(all['context.compaction-throttled'], (after, { data }) =>
    charged(after, data.charged),
  ),
  'turn.started': counting(all['turn.started'], (after, _event, { at }) => {
    const begun = withBudget(after, ({ reached: _, refusedFrom: __, ...budget }) => ({ ...budget, began: at }))
    return begun.turn?.asked ? withCalls(begun) : begun
  }),
  'turn.completed': counting(all['turn.completed'], turnEnded),
  'turn.failed': counting(all['turn.failed'], turnEnded),
  'turn.cancelled': counting(all['turn.cancelled'], turnEnded),
  'timer.armed': counting(all['timer.armed'], (after, { data: { timer } }) =>
    wallTimers(after)?.over === timer ? withBudget(after, (budget) => ({ ...budget, armed: timer })) : after,
  ),
  'delegation.settled': {
    ...all['delegation.settled'],
    evolve(session, event, origin) {
      const after = all['delegation.settled'].evolve(session, event, origin)
      const { child, spent } = event.data
      const known = childOf(after.team, child)
      if (!spent || !known?.budget) return after
      return withSpent(
        withChild(after, child, (old) => old && { ...withoutSlice(old), ...(session.run ? { spent } : {}) }),
        since(known.spent, spent),
      )
    },
  },
})

/** A session below a run tells with each answer what it has used in all. */
const since = (before: Spent | undefined, now: Spent): Spent =>
  before
    ? {
        tokens: Math.max(now.tokens - before.tokens, 0),
        usd: exactUsd(Math.max(now.usd - before.usd, 0)),
        toolCalls: Math.max(now.toolCalls - before.toolCalls, 0),
      }
    : now

const withoutSlice = <T extends { readonly budget?: unknown }>({ budget: _, ...rest }: T): Omit<T, 'budget'> => rest

function withoutMeter(session: Session): Session {
  if (!session.metered) return session
  const { metered: _, ...rest } = session
  return rest
}

/** An answer has come, and its usage is known. */
function settled(session: Session, usage: Usage, usd: number | undefined): Session {
  const after = withSpent(withoutMeter(session), { tokens: usage.inputTokens + usage.outputTokens, usd: usd ?? 0 })
  return usd === undefined ? after : withUsd(after, usd)
}

/** Of the turn that is open, or of the session. */
const withUsd = (session: Session, usd: number): Session =>
  session.turn
    ? { ...session, turn: { ...session.turn, usd: addUsd(session.turn.usd ?? 0, usd) } }
    : { ...session, usd: addUsd(session.usd ?? 0, usd) }

const withUsage = (session: Session, usage: Usage): Session =>
  session.turn
    ? { ...session, turn: { ...session.turn, usage: addUsage(session.turn.usage, usage) } }
    : { ...session, usage: addUsage(session.usage, usage) }

/** Nobody knows what was used (BU1). */
const charged = (session: Session, amount: Reserved | undefined): Session =>
  withSpent(withoutMeter(session), { tokens: amount?.tokens ?? 0, usd: amount?.usd ?? 0 })

/** The calls of an answer count when they are asked for; those that are beyond the budget are refused. */
function withCalls(session: Session): Session {
  const { turn, born, budget } = session
  if (!turn || !born || !budget) return session
  const before = turn.toolCalls - turn.calls.length
  const most = turn.asked ? turn.calls.length : born.limits.maxToolCalls - before
  const runnable = Math.max(Math.min(turn.calls.length, most), 0)
  const allowed = Math.min(runnable, left(session).toolCalls)
  const after = withSpent(session, { toolCalls: allowed })
  return withBudget(after, ({ refusedFrom: _, ...rest }) => ({
    ...rest,
    ...(allowed < runnable ? { refusedFrom: allowed } : {}),
  }))
}

function turnEnded(after: Session, _event: unknown, { at }: Origin, before: Session): Session {
  const { usd } = before.turn ?? {}
  const priced = usd === undefined ? after : { ...after, usd: addUsd(after.usd ?? 0, usd) }
  const known = wallTimers(before)
  const names = known ? [known.over, known.nearly] : []
  const timers = known ? priced.timers.filter(({ timer }) => !names.includes(timer)) : priced.timers
  const closed = withBudget(withoutMeter({ ...priced, timers }), ({ began = at, armed: _, late: __, ...budget }) => ({
    ...budget,
    spent: { ...budget.spent, wallTime: budget.spent.wallTime + Math.max(at - began, 0) },
  }))
  return withoutRest(closed)
}

/**
 * BU2: what a child has not spent goes back to the session above with its end. Whoever talks to it later has nothing of it. A session below a
 * run that was given nothing of a budget keeps its own.
 */
function withoutRest(session: Session): Session {
  if (!session.born?.parent || session.turn || session.inbox.length > 0) return session
  if (session.prompted !== undefined && !session.budget?.own) return session
  return withBudget(session, ({ limits, ...budget }) => ({
    ...budget,
    limits: {
      ...limits,
      ...(limits.tokens === undefined ? {} : { tokens: Math.min(limits.tokens, budget.spent.tokens) }),
      ...(limits.usd === undefined ? {} : { usd: Math.min(limits.usd, budget.spent.usd) }),
      ...(limits.toolCalls === undefined ? {} : { toolCalls: Math.min(limits.toolCalls, budget.spent.toolCalls) }),
    },
  }))
}
