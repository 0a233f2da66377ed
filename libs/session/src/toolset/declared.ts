// The servers that a definition names, as a session's first frame declares them: so a process that does not know servers gives the
// session back from its beginning, and begins no turn without their tools.
import { type AgentDefinition, mcpServers, type SessionEvent } from '@reins/contracts'

/** ms beyond the longest connection time: a runner that dies is followed by another within it. */
const spareMs = 10_000

/** Empty: the definition names no server. */
export function toolsetDeclared(definition: AgentDefinition, principal: string): readonly SessionEvent[] {
  const servers = mcpServers(definition)
  if (servers.length === 0) return []
  const wait = Math.max(...servers.map(({ connectMs }) => connectMs)) + spareMs
  return [
    {
      type: 'toolset.declared',
      data: {
        servers: servers.map(({ name, optional }) => ({ server: name, ...(optional ? { optional: true } : {}) })),
        principal: principal.slice(0, 128) || 'unknown',
        wait,
      },
    },
  ]
}
