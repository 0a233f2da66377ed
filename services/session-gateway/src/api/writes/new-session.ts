// What a new session begins with: its agent's definition as the registry has it now, and pools that take its frames.
import {
  affinityOf,
  type AgentEntry,
  type CreateSession,
  type EventOf,
  eventCodec,
  poolKey,
  ReinsError,
  type SessionEvent,
  type VersionEntry,
} from '@reins/contracts'
import { agentsNow } from '@reins/journal'
import { noPrice, sessionBeginning } from '@reins/session'
import type { GatewayConfig } from '../../ports.ts'

export type NewSessionParts = Pick<
  GatewayConfig,
  'registry' | 'work' | 'toolsOf' | 'ceilings' | 'budgetCeiling' | 'priceOf'
>

export interface Beginning {
  readonly started: EventOf<'session.started'>
  /** What of it waits for people, and the servers that its tools are asked of, where there are any. */
  readonly declared: readonly SessionEvent[]
}

/** Rejects with agent_not_found, invalid_request, or where a part does not answer. */
export async function beginSession(
  parts: NewSessionParts,
  request: CreateSession,
  principal: string,
): Promise<Beginning> {
  const { entry, version } = await agentNow(parts, request.agent)
  const { definition } = version
  const labels = affinityOf(definition)
  const [toolset, agents] = await Promise.all([parts.toolsOf(definition), agentsNow(parts.registry, definition)])
  const { started, declared } = sessionBeginning({
    agent: entry.name,
    digest: version.digest,
    definition,
    toolset,
    principal,
    agents: agents.map(({ declared }) => declared),
    ...(parts.ceilings === undefined ? {} : { ceilings: parts.ceilings }),
    ...(parts.budgetCeiling === undefined ? {} : { budgetCeiling: parts.budgetCeiling }),
    ...(request.budget === undefined ? {} : { budget: request.budget }),
    ...(request.instance === undefined
      ? {}
      : { instance: { instance: request.instance, session: request.session ?? 'default' } }),
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
    ...agents.map((one) => parts.work.ensurePool('exec', one.pool, one.labels)),
  ])
  return { started: event, declared }
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

async function agentNow(
  { registry }: NewSessionParts,
  name: string,
): Promise<{ readonly entry: AgentEntry; readonly version: VersionEntry }> {
  const entry = registry.agent(name) ?? (await registry.agentFresh(name))
  if (!entry || entry.deleted) throw new ReinsError('agent_not_found', `There is no agent ${name}.`)
  const version = await registry.version(entry.digest)
  if (!version) throw new ReinsError('unavailable', `The definition of ${name} (${entry.digest}) cannot be read now.`)
  return { entry, version }
}
