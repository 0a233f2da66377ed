// What the start of a session says of delegation: the agents of its definition as they are now, and how far it may go.
import {
  type AgentDefinition,
  type BudgetLimits,
  definitionDefaults,
  offersTask,
  type SessionEvent,
} from '@reins/contracts'
import type { Member } from './team.ts'

/** What an operator lets no definition exceed. */
export interface DelegationCeilings {
  readonly maxDepth: number
  readonly maxFanOut: number
  readonly maxPerTurn: number
  readonly maxSessions: number
}

export const defaultCeilings: DelegationCeilings = { maxDepth: 10, maxFanOut: 64, maxPerTurn: 500, maxSessions: 5_000 }

/** What the session above gives a child of its own limits. */
export interface Granted {
  readonly levels?: number
  readonly sessions?: number
  readonly budget?: BudgetLimits
}

export function agentsDeclared(
  definition: Pick<AgentDefinition, 'delegation' | 'approval_mode'>,
  agents: readonly Member[],
  ceilings: DelegationCeilings = defaultCeilings,
  granted: Granted = {},
): readonly SessionEvent[] {
  const { delegation = {}, approval_mode: mode } = definition
  // Tools that are off are offered to nobody.
  if ((agents.length === 0 && !offersTask(definition)) || mode === 'never') return []
  const { maxDepth, maxFanOut, maxPerTurn, maxSessions } = definitionDefaults.delegation
  const own = {
    levels: Math.min(delegation.max_depth ?? maxDepth, ceilings.maxDepth),
    sessions: Math.min(delegation.max_sessions ?? maxSessions, ceilings.maxSessions) - 1,
  }
  return [
    {
      type: 'agents.declared',
      data: {
        agents: agents.map(({ runs: _, ...declared }) => declared),
        levels: Math.min(own.levels, granted.levels ?? own.levels),
        fanOut: Math.min(delegation.max_fan_out ?? maxFanOut, ceilings.maxFanOut),
        perTurn: Math.min(delegation.max_per_turn ?? maxPerTurn, ceilings.maxPerTurn),
        sessions: Math.min(own.sessions, granted.sessions ?? own.sessions),
      },
    },
    ...workflowsDeclared(agents),
  ]
}

function workflowsDeclared(agents: readonly Member[]): readonly SessionEvent[] {
  const workflows = agents.flatMap(({ name, runs }) => (runs ? [{ agent: name, ...runs }] : []))
  return workflows.length === 0 ? [] : [{ type: 'workflows.declared', data: { workflows } }]
}
