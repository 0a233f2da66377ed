// How a session begins, from its agent's definition: its first event, and what is declared beside it. The one place for a session that a
// person starts and for a child.
//   B1. A feature that older processes do not know is declared by an event of its own beside session.started, and only where the
//       definition asks for it: all other sessions stay every process's to decide on.
import type { EventData, SessionEvent } from '@reins/contracts'
import { pinnedPolicy } from '../approval/pinned-policy.ts'
import { budgetDeclared } from '../budget/declared.ts'
import { contextDeclared } from '../context/declared.ts'
import { agentsDeclared } from '../delegation/declared.ts'
import { taskDeclared } from '../delegation/task.ts'
import { memoryDeclared } from '../memory/memory.ts'
import { planningDeclared } from '../planning/planning.ts'
import { outputDeclared } from '../output/output.ts'
import { givenDeclared } from '../run/given-tools.ts'
import { runDeclared } from '../run/run-due.ts'
import { skillsDeclared } from '../skills/skills.ts'
import { toolsetDeclared } from '../toolset/declared.ts'
import { workspaceDeclared } from '../workspace/workspace.ts'
import { type SessionStart, sessionStarted } from './session-started.ts'

export interface SessionBeginning {
  readonly started: EventData<'session.started'>
  readonly declared: readonly SessionEvent[]
}

/** What a definition declares beside the first event. Empty: it does not ask for the feature. */
export type DeclareRule = (start: SessionStart) => readonly SessionEvent[]

/** In the order in which their events stand in the first frame. */
const declareRules: readonly DeclareRule[] = [
  ({ code }) => (code ? [{ type: 'agent.configured', data: { code } }] : []),
  ({ definition, toolset, requesters }) => {
    const policy = pinnedPolicy(definition, toolset, requesters)
    return policy ? [policy] : []
  },
  ({ definition, principal }) => toolsetDeclared(definition, principal),
  ({ definition }) => workspaceDeclared(definition),
  ({ definition }) => skillsDeclared(definition),
  ({ definition, principal }) => memoryDeclared(definition, principal),
  ({ definition, agents = [], ceilings, granted }) => agentsDeclared(definition, agents, ceilings, granted),
  taskDeclared,
  ({ definition }) => givenDeclared(definition),
  ({ onPause }) => (onPause === 'return' ? [{ type: 'parent.declared', data: { onPause } }] : []),
  ({ definition }) => planningDeclared(definition),
  ({ definition }) => contextDeclared(definition),
  ({ definition }) => runDeclared(definition),
  ({ definition, outputSchema }) => outputDeclared(definition, outputSchema),
  ({ definition, budget, granted, budgetCeiling }) =>
    budgetDeclared({ definition, asked: budget, granted: granted?.budget, ceiling: budgetCeiling }),
]

export const sessionBeginning = (start: SessionStart): SessionBeginning => ({
  started: sessionStarted(start),
  declared: declareRules.flatMap((rule) => rule(start)),
})
