// Planning: a plan that the session's model makes and works through. The plan is state of the session, so it lives as long as its log.
// The invariants of the rules are those of rules.ts.
//   PN4. The session answers calls of the plan tools by itself. They see what the calls before them, in the same answer, have done.
//   PN5. A plan that a person has to approve is checked before the person sees it, and again when they have changed it.
import type { AgentDefinition, EventOf, SessionEvent } from '@reins/contracts'
import { planDefaults } from '@reins/contracts'
import type { Session, Turn } from '../session.ts'
import type { CallRoute, Meanings, OfferRule, RouteRule } from '../slice.ts'
import { planSummary, proposedSteps } from './rules.ts'
import { createPlanName, planCalls, planSection, planTools } from './tools.ts'

export const planningEvents: Meanings<'planning.declared' | 'plan.updated'> = {
  'planning.declared': { effective: true, evolve: declared },
  'plan.updated': {
    effective: true,
    evolve: (session, { data: { steps } }) =>
      session.planning ? { ...session, planning: { ...session.planning, steps } } : session,
  },
}

function declared(session: Session, { data }: EventOf<'planning.declared'>): Session {
  if (!session.born || session.planning) return session
  const { maxSteps, strict = false, approve = false } = data
  return { ...session, planning: { maxSteps, strict, approve, steps: [] } }
}

/** Empty: its model does not plan. */
export function planningDeclared(definition: AgentDefinition): readonly SessionEvent[] {
  const { planning, max_plan_steps: maxSteps, strict_dependencies: strict, approve_plan: approve } = definition
  if (planning !== true || definition.approval_mode === 'never') return []
  return [
    {
      type: 'planning.declared',
      data: {
        maxSteps: maxSteps ?? planDefaults.maxSteps,
        ...(strict ? { strict } : {}),
        ...(approve ? { approve } : {}),
      },
    },
  ]
}

/** Whether a person is asked about this call because it makes a plan. */
export const mustApprovePlan = (session: Session, { name }: { readonly name: string }): boolean =>
  name === createPlanName && session.planning?.approve === true

const refused = (output: string): CallRoute => ({ kind: 'settled', status: 'error', code: 'invalid-arguments', output })

/** PN5: before anybody is asked about it. */
export const planProblemRoute: RouteRule = (call, _turn, session) => {
  if (!mustApprovePlan(session, call)) return null
  const steps = proposedSteps(call.arguments, session.planning?.maxSteps ?? planDefaults.maxSteps)
  return typeof steps === 'string' ? refused(`No plan was made: ${steps}`) : null
}

export const planRoute: RouteRule = (call, turn, session) => {
  const { planning } = session
  if (!planning || !Object.hasOwn(planCalls, call.name)) return null
  if (waitsForEarlier(turn, call.call)) return { kind: 'waits' }
  const answer = planCalls[call.name]?.(planning, call.arguments)
  if (!answer) return null
  if (answer.kind === 'error') return refused(answer.output)
  const { steps, output } = answer
  return {
    kind: 'settled',
    status: 'ok',
    output,
    ...(steps ? { events: [{ type: 'plan.updated', data: { call: call.call, steps: [...steps] } }] } : {}),
  }
}

/** PN4. */
const waitsForEarlier = ({ calls }: Turn, call: string): boolean => {
  const index = calls.findIndex((one) => one.call === call)
  return calls.slice(0, index).some(({ state }) => state.kind !== 'done')
}

export const planOffer: OfferRule = ({ planning, turn }) => {
  if (!planning) return null
  const summary = planSummary(planning.steps)
  // A model that said nothing in the middle of its plan is asked once more, with these words.
  const again = (turn?.model?.throttles ?? 0) > 0
  return {
    tools: planTools(planning.maxSteps),
    section: planSection(planning),
    ...(summary === undefined ? {} : { notice: again ? `Continue working on your plan. ${summary}` : summary }),
  }
}
