// How a run of a workflow begins: the first event of its session, and what stands beside it. The one place for a run that somebody starts and
// for one that a session above delegates to.
import type { BudgetLimits, EventData, SessionEvent } from '@reins/contracts'
import { hasLimit, runAgent } from '@reins/contracts'
import { defaultCeilings, type DelegationCeilings, type Granted } from '../delegation/declared.ts'
import type { SessionBeginning } from '../lifecycle/beginning.ts'

export interface RunStart {
  readonly workflow: string
  readonly project: string
  readonly file: string
  /** Of the build. */
  readonly digest: string
  readonly pool: string
  readonly payload?: unknown
  /** The gateway that has the HTTP request which begins it. */
  readonly request?: EventData<'run.invoked'>['request']
  readonly principal: string
  readonly ceilings?: DelegationCeilings | undefined
  /** Of a run below another session. */
  readonly parent?: EventData<'session.started'>['parent']
  readonly onPause?: 'wait' | 'return'
  readonly granted?: Granted
  readonly budget?: BudgetLimits
  /** Who began the turn above. */
  readonly requesters?: readonly string[]
}

export function runBeginning(start: RunStart): SessionBeginning {
  const {
    workflow,
    project,
    file,
    digest,
    pool,
    payload,
    request,
    principal,
    parent,
    granted = {},
    requesters = [],
    budget = {},
  } = start
  const { maxDepth, maxFanOut, maxPerTurn, maxSessions } = start.ceilings ?? defaultCeilings
  const declared: readonly SessionEvent[] = [
    ...(requesters.length > 0
      ? [{ type: 'approvals.pinned' as const, data: { mode: 'default' as const, requesters: [...requesters] } }]
      : []),
    {
      type: 'agents.declared',
      data: {
        agents: [],
        levels: Math.min(maxDepth, granted.levels ?? maxDepth),
        ...{ fanOut: maxFanOut, perTurn: maxPerTurn },
        sessions: Math.min(maxSessions - 1, granted.sessions ?? maxSessions - 1),
      },
    },
    ...(start.onPause === 'return' ? [{ type: 'parent.declared' as const, data: { onPause: 'return' as const } }] : []),
    { type: 'run.declared', data: { file, digest, network: true } },
    {
      type: 'run.invoked',
      data: { workflow, project, ...(payload === undefined ? {} : { payload }), ...(request ? { request } : {}) },
    },
    ...(hasLimit(budget) ? [{ type: 'budget.declared' as const, data: budget }] : []),
  ]
  return {
    started: {
      ...{ agent: runAgent(workflow), digest, model: 'none', pools: { executor: pool, tools: pool } },
      ...{ limits: { maxToolCalls: 0 }, tools: {}, toolset: [], principal },
      ...(parent ? { parent } : {}),
    },
    declared,
  }
}
