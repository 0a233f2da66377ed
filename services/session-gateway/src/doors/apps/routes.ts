// What `next()` of a route does, by the kind of the route.
import { type ProjectEntry, ReinsError } from '@reins/contracts'
import type { Caller } from '../../api/caller.ts'
import type { AgentDoor } from './agent-door.ts'
import { type Asked, instanceOf } from './asked.ts'
import type { GatewayAnswer, SocketGrant } from './bodies.ts'

/** Throws what it is refused with. */
export async function serveRoute(
  door: AgentDoor,
  project: ProjectEntry,
  caller: Caller,
  asked: Asked,
  signal: AbortSignal,
): Promise<GatewayAnswer> {
  const { kind, name } = asked
  if (
    !project.manifest.agents.some(
      (agent) => agent.name === name && agent[kind === 'agent-socket' ? 'websocket' : 'route'],
    )
  )
    throw new ReinsError('agent_not_found', 'There is no such agent here.')
  switch (kind) {
    case 'agent':
      return door.prompt(caller, asked, signal)
    case 'agent-events':
      return door.events(caller, asked)
    case 'agent-abort':
      return door.abort(caller, asked)
    case 'agent-socket': {
      const grant: SocketGrant = {
        ...{ target: 'agent' as const, name, instance: instanceOf(asked.id), principal: asked.principal },
      }
      return { status: 200, headers: [], body: { kind: 'socket', grant } }
    }
    default:
      throw new ReinsError('not_found', 'There is no such route here.')
  }
}
