// What `next()` of a route does, by the kind of the route.
import { type ProjectEntry, ReinsError } from '@reins/contracts'
import type { Caller } from '../../api/caller.ts'
import type { AgentDoor } from './agent-door.ts'
import { type Asked, instanceOf } from './asked.ts'
import type { GatewayAnswer, SocketGrant } from './bodies.ts'
import type { RunDoor } from './run-door.ts'

const isOfRun = (kind: string): boolean => kind.startsWith('workflow') || kind.startsWith('run')

/** Whether the project opens this address. */
export function offers({ manifest }: ProjectEntry, { kind, name }: Pick<Asked, 'kind' | 'name'>): boolean {
  const modules = isOfRun(kind) ? manifest.workflows : manifest.agents
  return modules.some((one) => one.name === name && one[kind.endsWith('-socket') ? 'websocket' : 'route'])
}

/** Throws what it is refused with. */
export async function serveRoute(
  { door, runs }: { readonly door: AgentDoor; readonly runs: RunDoor },
  project: ProjectEntry,
  caller: Caller,
  asked: Asked,
  signal: AbortSignal,
): Promise<GatewayAnswer> {
  const { kind, name } = asked
  if (!offers(project, asked))
    throw isOfRun(kind)
      ? new ReinsError('workflow_not_found', 'There is no such workflow here.')
      : new ReinsError('agent_not_found', 'There is no such agent here.')
  if (kind.startsWith('run')) await runs.mustOwn(project, caller, asked.id ?? '', name)
  switch (kind) {
    case 'agent':
      return door.prompt(caller, asked, signal)
    case 'agent-events':
      return door.events(caller, asked)
    case 'agent-abort':
      return door.abort(caller, asked)
    case 'agent-socket':
      return granted({ target: 'agent', name, instance: instanceOf(asked.id), principal: asked.principal })
    case 'workflow':
      return runs.start(caller, asked, signal)
    case 'workflow-socket':
      return granted({ target: 'workflow', name, instance: '', principal: asked.principal })
    case 'run':
      return runs.record(caller, asked.id ?? '')
    case 'run-events':
      return runs.events(caller, asked.id ?? '', asked)
    case 'run-stream':
      return runs.stream(caller, asked.id ?? '', asked)
    default:
      throw new ReinsError('not_found', 'There is no such route here.')
  }
}

const granted = (grant: SocketGrant): GatewayAnswer => ({ status: 200, headers: [], body: { kind: 'socket', grant } })
