// Known-wrong rules of budgets, each with a scenario in which it bites.
import type { SessionEvent } from '@reins/contracts'
import { evolve, type Plan, type Session } from '@reins/session'
import { cancelledChild, oneAttempt, twoChildren } from '../scenarios/budgets.ts'
import { type Rules, sound } from '../world/rules.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import type { WrongRule } from './rules.ts'

const changed = (
  session: Session,
  next: Plan,
  change: (event: SessionEvent, before: Session) => SessionEvent,
): Plan => {
  let after = session
  const events = next.events.map((event) => {
    const said = change(event, after)
    after = evolve(after, said, { role: 'e', n: 0, at: next.at, by: '' })
    return said
  })
  return { ...next, events, after }
}

/** What is left, as if nothing had been set aside for sessions below. */
const wholeRest = ({ budget }: Session): number => (budget?.limits.tokens ?? 0) - (budget?.spent.tokens ?? 0)

/** With what an executor decides changed. */
const deciding = (change: (event: SessionEvent) => SessionEvent): Rules => ({
  ...sound,
  verdict: (session, ...asked) => {
    const next = sound.verdict(session, ...asked)
    return 'plan' in next ? { ...next, plan: changed(session, next.plan, change) } : next
  },
})

const named = (name: string, scenario: Omit<Scenario, 'name'>): Scenario => ({ ...scenario, name })

export const wrongBudgets: readonly WrongRule[] = [
  {
    name: 'slices-overlap',
    says: 'two children that work side by side may both spend what is left',
    rules: {
      ...sound,
      createChild: (there, creation, born, parent, declared) => {
        const rest = { type: 'budget.declared' as const, data: { tokens: wholeRest(parent) } }
        const own = declared?.map((event) => (event.type === 'budget.declared' ? rest : event))
        return sound.createChild(there, creation, born, parent, own)
      },
    },
    scenario: named('two children', twoChildren),
  },
  {
    name: 'lost-attempt-is-free',
    says: 'what was set aside for an attempt is forgotten when the attempt is lost',
    rules: {
      ...sound,
      takeover: (session, ...asked) => {
        const next = sound.takeover(session, ...asked)
        return next && changed(session, next, withoutCharge)
      },
    },
    scenario: named('one attempt', oneAttempt),
  },
  {
    name: 'cancelled-slice-returns',
    says: 'the slice of a child comes back when its parent stops to wait, while the child goes on',
    rules: deciding((event) =>
      event.type === 'delegation.settled' && event.data.status === 'cancelled'
        ? { ...event, data: { ...event.data, spent: { tokens: 0, usd: 0, toolCalls: 0 } } }
        : event,
    ),
    scenario: named('a child that is cancelled', cancelledChild),
  },
]

function withoutCharge(event: SessionEvent): SessionEvent {
  if (event.type !== 'model-call.failed') return event
  const { charged: _, ...data } = event.data
  return { ...event, data }
}
