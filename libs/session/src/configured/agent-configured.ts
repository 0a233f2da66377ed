// What stands before a message whose sender's agent was configured anew: the definition, as a session's beginning would pin it.
import type { PinnedDefinition, SessionEvent } from '@reins/contracts'
import { sessionBeginning } from '../lifecycle/beginning.ts'
import type { SessionStart } from '../lifecycle/session-started.ts'
import { isRedeclared } from './coming.ts'

/** In one frame, before the message that the initializer ran for. Empty: the agent is no module's. */
export function agentConfigured(start: SessionStart): readonly SessionEvent[] {
  const { code } = start
  if (!code) return []
  const { pinned, declared } = pinnedDefinition(start)
  return [{ type: 'agent.configured', data: { code, pinned } }, ...declared]
}

export interface PinnedStart {
  readonly pinned: PinnedDefinition
  /** What it declares, as it stands behind it. */
  readonly declared: readonly SessionEvent[]
}

export function pinnedDefinition(start: SessionStart): PinnedStart {
  const { started, declared } = sessionBeginning(start)
  const { digest, model, limits, tools, toolset = [] } = started
  return { pinned: { digest, model, limits, tools, toolset }, declared: declared.filter(isRedeclared) }
}
