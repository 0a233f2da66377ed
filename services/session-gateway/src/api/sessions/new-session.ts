// What a new session begins with: its agent's definition as the registry has it now, and pools that take its frames.
import {
  affinityOf,
  type ConfigureAgent,
  type CreateSession,
  type EventOf,
  eventCodec,
  poolKey,
  ReinsError,
  type SessionEvent,
} from '@reins/contracts'
import { agentsNow, findAgent, type PinnedAgent } from '@reins/journal'
import { noPrice, type SessionStart, sessionBeginning } from '@reins/session'
import type { GatewayConfig } from '../../ports.ts'

export type NewSessionParts = Pick<
  GatewayConfig,
  'registry' | 'work' | 'call' | 'toolsOf' | 'ceilings' | 'budgetCeiling' | 'priceOf'
>

export interface Beginning {
  readonly started: EventOf<'session.started'>
  /** What of it waits for people, and the servers that its tools are asked of, where there are any. */
  readonly declared: readonly SessionEvent[]
}

/** Rejects with agent_not_found, invalid_request, or where a part does not answer. */
export async function beginSession(
  parts: NewSessionParts,
  /** Its id. */
  session: string,
  request: CreateSession,
  principal: string,
): Promise<Beginning> {
  const { agent, instance } = request
  const found = await agentFor(parts, { agent, id: instance ?? session, by: principal })
  const { definition } = found
  const labels = affinityOf(definition)
  const { start, pools } = await startOf(parts, found, agent, principal)
  const { started, declared } = sessionBeginning({
    ...start,
    ...(parts.budgetCeiling === undefined ? {} : { budgetCeiling: parts.budgetCeiling }),
    ...(request.budget === undefined ? {} : { budget: request.budget }),
    ...(instance === undefined ? {} : { instance: { instance, session: request.session ?? 'default' } }),
    ...(request.title === undefined ? {} : { title: request.title }),
  })
  mustBePriced(parts, declared, [started.model, definition.context?.summary_model ?? started.model])
  const event: EventOf<'session.started'> = { type: 'session.started', data: started }
  const decoded = eventCodec.decode(event)
  if (decoded.kind !== 'known')
    throw new ReinsError('invalid_request', `The session cannot be started: ${decoded.why}.`)
  const pool = poolKey(labels)
  await Promise.all([
    parts.work.ensurePool('exec', pool, labels),
    parts.work.ensurePool('tool', pool, labels),
    // What is asked of a child is addressed to its executors before it is there.
    pools(),
  ])
  return { started: event, declared }
}

/** What a definition means for a session that it stands in from now on. `pools`: has those of the agents that it lists. */
export async function startOf(
  parts: NewSessionParts,
  { digest, definition, code }: PinnedAgent,
  agent: string,
  principal: string,
): Promise<{ readonly start: SessionStart; readonly pools: () => Promise<unknown> }> {
  const [toolset, agents] = await Promise.all([parts.toolsOf(definition), agentsNow(parts.registry, definition)])
  return {
    start: {
      ...{ agent, digest, definition, toolset, principal },
      ...(code === undefined ? {} : { code }),
      agents: agents.map(({ declared }) => declared),
      ...(parts.ceilings === undefined ? {} : { ceilings: parts.ceilings }),
    },
    pools: () => Promise.all(agents.map((one) => parts.work.ensurePool('exec', one.pool, one.labels))),
  }
}

/** A limit in dollars that nobody could keep is refused before anything begins. */
function mustBePriced(
  { priceOf }: NewSessionParts,
  declared: readonly SessionEvent[],
  models: readonly string[],
): void {
  const inDollars = declared.some(({ type, data }) => type === 'budget.declared' && data.usd !== undefined)
  const unpriced = inDollars && priceOf ? models.find((model) => priceOf(model) === undefined) : undefined
  if (unpriced !== undefined) throw new ReinsError('invalid_request', noPrice(unpriced))
}

/** The definition that the name stands for now; of an agent of a project, what an initializer gives for the instance. */
export async function agentFor(parts: NewSessionParts, asked: ConfigureAgent): Promise<PinnedAgent> {
  const found = await findAgent(parts, asked)
  switch (found.kind) {
    case 'found':
      return found.agent
    case 'none':
      throw new ReinsError('agent_not_found', `There is no agent ${asked.agent}.`)
    case 'refused': {
      const { code, message, details, next } = found.error
      throw new ReinsError(code, message, { details, ...(next === undefined ? {} : { next }) })
    }
    default:
      return found satisfies never
  }
}
