// What a new session begins with: its agent's definition as the registry has it now, and pools that take its frames.
import {
  affinityOf,
  type AgentDefinition,
  type ConfigureAgent,
  type ConfiguredAgent,
  configureVerb,
  type CreateSession,
  type EventOf,
  eventCodec,
  poolKey,
  ReinsError,
  type Reply,
  type SessionEvent,
  serviceSubject,
} from '@reins/contracts'
import { agentsNow } from '@reins/journal'
import { noPrice, sessionBeginning } from '@reins/session'
import type { GatewayConfig } from '../../ports.ts'

export type NewSessionParts = Pick<
  GatewayConfig,
  'registry' | 'work' | 'call' | 'toolsOf' | 'ceilings' | 'budgetCeiling' | 'priceOf'
>

/** ms. An initializer has ten seconds, and its host has to be started before it. */
const configureWithinMs = 25_000

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
  const { digest, definition } = await agentNow(parts, session, request, principal)
  const labels = affinityOf(definition)
  const [toolset, agents] = await Promise.all([parts.toolsOf(definition), agentsNow(parts.registry, definition)])
  const { started, declared } = sessionBeginning({
    agent: request.agent,
    digest,
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

interface PinnedAgent {
  readonly digest: string
  readonly definition: AgentDefinition
}

/** The definition that the name stands for now; of an agent of a project, what its initializer gives for the instance. */
async function agentNow(
  { registry, call }: NewSessionParts,
  session: string,
  { agent: name, instance }: CreateSession,
  by: string,
): Promise<PinnedAgent> {
  const known = registry.agent(name)
  if (!known && registry.codeAgent(name)) return configured(call, { agent: name, id: instance ?? session, by })
  const entry = known ?? (await registry.agentFresh(name))
  if (!entry || entry.deleted) throw new ReinsError('agent_not_found', `There is no agent ${name}.`)
  const version = await registry.version(entry.digest)
  if (!version) throw new ReinsError('unavailable', `The definition of ${name} (${entry.digest}) cannot be read now.`)
  return version
}

async function configured(call: NewSessionParts['call'], request: ConfigureAgent): Promise<PinnedAgent> {
  const subject = serviceSubject('registry', configureVerb)
  const reply: Reply<ConfiguredAgent> = await call<ConfiguredAgent>(subject, request, configureWithinMs)
  if (reply.ok) return reply.value
  const { code, message, details, next } = reply.error
  throw new ReinsError(code, message, { details, ...(next === undefined ? {} : { next }) })
}
