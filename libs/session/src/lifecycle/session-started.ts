// The first event of a session, from its agent's definition: the one builder for a session that a person starts and for a child.
import {
  type AgentDefinition,
  affinityOf,
  type Budget,
  type BudgetLimits,
  type CodeBuild,
  definitionDefaults,
  type EventData,
  type JsonObject,
  filesTell,
  looksAtWorkspace,
  narrowsByTarget,
  type PinnedTool,
  poolKey,
} from '@reins/contracts'
import { pinnedPolicy } from '../approval/pinned-policy.ts'
import type { DelegationCeilings, Granted } from '../delegation/declared.ts'
import type { Member } from '../delegation/team.ts'

export interface SessionStart {
  readonly agent: string
  /** Of the definition, which is pinned. */
  readonly digest: string
  readonly definition: AgentDefinition
  /** Of an agent of a project: the build whose initializer gave the definition, and runs again for each message. */
  readonly code?: CodeBuild
  /** As the definition resolved. None where it did not: the first model call then says so. */
  readonly toolset: readonly PinnedTool[]
  readonly parent?: EventData<'session.started'>['parent']
  readonly instance?: EventData<'session.started'>['instance']
  readonly title?: string | undefined
  /** Who started it: a name of the gateway's; of a child, whoever started the session above. */
  readonly principal: string
  /** Of a child: who began the turn above. */
  readonly requesters?: readonly string[]
  /** Those that the definition lists, as they are now. */
  readonly agents?: readonly Member[]
  /** Of the operator. Absent: those of the product. */
  readonly ceilings?: DelegationCeilings
  /** Of a child: what the session above lets it have. */
  readonly granted?: Granted
  /** Of a child: what its answers have to fit; it stands for what the definition says. */
  readonly outputSchema?: JsonObject
  /** What whoever starts it lets it use. */
  readonly budget?: Budget
  /** What the operator lets any session use. */
  readonly budgetCeiling?: BudgetLimits
  /** Of a child: the session above does not wait with it for people. */
  readonly onPause?: 'wait' | 'return'
}

export function sessionStarted(start: SessionStart): EventData<'session.started'> {
  const { agent, digest, definition, toolset, parent, instance, title, principal } = start
  const pool = poolKey(affinityOf(definition))
  return {
    agent,
    digest,
    model: definition.model,
    pools: { executor: pool, tools: pool },
    limits: {
      maxToolCalls: definition.max_tool_calls ?? definitionDefaults.maxToolCalls,
      ...(definition.max_concurrent_tools === undefined ? {} : { maxConcurrentTools: definition.max_concurrent_tools }),
      ...(definition.max_turns === undefined ? {} : { maxTurns: definition.max_turns }),
    },
    // Tools that are off are offered to nobody.
    tools:
      definition.approval_mode === 'never' ? {} : Object.fromEntries(toolset.map(({ name, replay }) => [name, replay])),
    toolset: definition.approval_mode === 'never' ? [] : pinned(start),
    ...(parent === undefined ? {} : { parent }),
    ...(instance === undefined ? {} : { instance }),
    ...(title === undefined ? {} : { title }),
    ...(principal === '' ? {} : { principal }),
  }
}

/** What calls are about is told where one may wait, or a skill narrows them by it: nothing else reads it. */
function pinned({ definition, toolset }: SessionStart): PinnedTool[] {
  const hasOthers = looksAtWorkspace(definition) || filesTell(definition)
  if (pinnedPolicy(definition, toolset) || narrowsByTarget(definition) || hasOthers) return [...toolset]
  return toolset.map(({ target: _, ...rest }) => rest)
}
