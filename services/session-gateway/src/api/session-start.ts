// The first frame's `session.started`, from an agent's definition.
import {
  type AgentDefinition,
  definitionDefaults,
  type EventOf,
  eventFault,
  poolKey,
  ReinsError,
  type ReplayClass,
} from '@reins/contracts'

export interface StartRequest {
  readonly agent: string
  readonly digest: string
  readonly definition: AgentDefinition
  readonly tools: Readonly<Record<string, ReplayClass>>
  readonly instance?: { readonly instance: string; readonly session: string }
  readonly title?: string
}

/** Throws invalid_request where what came with the request does not fit the event. */
export function sessionStarted(request: StartRequest): EventOf<'session.started'> {
  const { agent, digest, definition, tools, instance, title } = request
  const pool = poolKey(definition.affinity ?? {})
  const event: EventOf<'session.started'> = {
    type: 'session.started',
    data: {
      agent,
      digest,
      model: definition.model,
      pools: { executor: pool, tools: pool },
      limits: {
        maxToolCalls: definition.max_tool_calls ?? definitionDefaults.maxToolCalls,
        ...(definition.max_concurrent_tools === undefined
          ? {}
          : { maxConcurrentTools: definition.max_concurrent_tools }),
        ...(definition.max_turns === undefined ? {} : { maxTurns: definition.max_turns }),
      },
      tools: { ...tools },
      ...(instance ? { instance } : {}),
      ...(title === undefined ? {} : { title }),
    },
  }
  const fault = eventFault(event)
  if (fault)
    throw new ReinsError(
      'invalid_request',
      `The session cannot be started: ${fault} (instance and session: at most 128).`,
    )
  return event
}
