// The servers that a definition names, as a session's first frame declares them: so a process that does not know servers gives the
// session back from its beginning, and begins no turn without their tools.
import {
  type AgentDefinition,
  looksAtWorkspace,
  mcpServers,
  type SessionEvent,
  workspaceServer,
} from '@reins/contracts'

/** ms beyond the longest connection time: a runner that dies is followed by another within it. */
const spareMs = 10_000
/** A workspace on a slow disk is read within it. */
const workspaceMs = 10_000

/** Empty: the definition names no server, and its workspace is not looked at. */
export function toolsetDeclared(definition: AgentDefinition, principal: string): readonly SessionEvent[] {
  const servers = mcpServers(definition)
  const looks = looksAtWorkspace(definition)
  if (servers.length === 0 && !looks) return []
  const wait = Math.max(workspaceMs, ...servers.map(({ connectMs }) => connectMs)) + spareMs
  return [
    {
      type: 'toolset.declared',
      data: {
        servers: [
          ...(looks ? [{ server: workspaceServer, optional: true }] : []),
          ...servers.map(({ name, optional }) => ({ server: name, ...(optional ? { optional: true } : {}) })),
        ],
        principal: principal.slice(0, 128) || 'unknown',
        wait,
      },
    },
  ]
}
