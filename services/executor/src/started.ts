// A child's session.started, from its agent's definition.
import {
  type AgentDefinition,
  definitionDefaults,
  type EventData,
  type Parent,
  poolKey,
  type ReplayClass,
} from '@reins/contracts'
import { resolveTools } from '@reins/tools'

export function replayClasses(definition: AgentDefinition): Record<string, ReplayClass> {
  const resolved = resolveTools(definition.tools ?? [])
  if (!resolved.ok) return {}
  return Object.fromEntries(resolved.tools.map(({ definition: tool }) => [tool.name, tool.replay]))
}

export function startedData(
  agent: string,
  digest: string,
  definition: AgentDefinition,
  parent: Parent,
): EventData<'session.started'> {
  const pool = poolKey(definition.affinity ?? {})
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
    tools: replayClasses(definition),
    parent,
  }
}
