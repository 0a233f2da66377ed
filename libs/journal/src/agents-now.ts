// The agents that a definition lists, as the registry has them now: what the start of a session pins.
import {
  type AgentDefinition,
  affinityOf,
  budgetLimits,
  type DeclaredAgent,
  definitionDigest,
  entryName,
  hasLimit,
  inlineDefinition,
  isInline,
  isWorkflow,
  type Labels,
  narrowest,
  onPauseOf,
  poolKey,
  type SubAgentEntry,
  subAgentTarget,
} from '@reins/contracts'
import type { RegistryView } from './registry-view.ts'

export interface AgentNow {
  readonly declared: DeclaredAgent
  /** Where its sessions begin. */
  readonly pool: string
  readonly labels: Labels
}

/** In the order of the definition. Rejects with BrokerUnavailable. */
export const agentsNow = (
  registry: Pick<RegistryView, 'agentFresh' | 'version'>,
  definition: AgentDefinition,
): Promise<readonly AgentNow[]> =>
  Promise.all((definition.agents ?? []).map((entry) => agentNow(registry, definition, entry)))

async function agentNow(
  registry: Pick<RegistryView, 'agentFresh' | 'version'>,
  parent: AgentDefinition,
  entry: SubAgentEntry,
): Promise<AgentNow> {
  const own = isInline(entry) ? inlineDefinition(parent, entry) : await stored(registry, subAgentTarget(entry) ?? '')
  const description = (typeof entry === 'string' ? undefined : entry.description) ?? own?.description ?? ''
  const said = {
    ...{ name: entryName(entry), description, onPause: onPauseOf(entry) },
    ...(isWorkflow(entry) ? { workflow: entry.workflow } : {}),
    ...(typeof entry === 'string' || !entry.output_schema ? {} : { outputSchema: entry.output_schema }),
  }
  const budget = narrowest(
    budgetLimits(typeof entry === 'string' ? undefined : entry.budget),
    budgetLimits(own?.budget),
  )
  const labels = own ? affinityOf(own) : {}
  const pool = poolKey(labels)
  const declared: DeclaredAgent = own
    ? {
        ...{ ...said, digest: definitionDigest(own), pool },
        ...(own.agents?.length ? { delegates: true } : {}),
        ...(hasLimit(budget) ? { budget } : {}),
      }
    : { ...said, gone: true }
  return { declared, pool, labels }
}

async function stored(
  registry: Pick<RegistryView, 'agentFresh' | 'version'>,
  name: string,
): Promise<AgentDefinition | undefined> {
  const entry = await registry.agentFresh(name)
  return entry && !entry.deleted ? (await registry.version(entry.digest))?.definition : undefined
}
