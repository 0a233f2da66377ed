// The agents that a definition lists, as the registry has them now: what the start of a session pins.
import {
  type AgentDefinition,
  affinityOf,
  budgetLimits,
  definitionDigest,
  entryName,
  hasLimit,
  inlineDefinition,
  isInline,
  isWorkflow,
  type Labels,
  narrowest,
  offersTask,
  onPauseOf,
  poolKey,
  type SubAgent,
  type SubAgentEntry,
  subAgentTarget,
} from '@reins/contracts'
import type { Member } from '@reins/session'
import type { CodeModule, RegistryView } from './registry-view.ts'

export interface AgentNow {
  readonly declared: Member
  /** Where its sessions begin. */
  readonly pool: string
  readonly labels: Labels
}

export type TeamRegistry = Pick<RegistryView, 'agentFresh' | 'version' | 'codeWorkflow'>

/** In the order of the definition. Rejects with BrokerUnavailable. */
export const agentsNow = (registry: TeamRegistry, definition: AgentDefinition): Promise<readonly AgentNow[]> =>
  Promise.all((definition.agents ?? []).map((entry) => agentNow(registry, definition, entry)))

async function agentNow(registry: TeamRegistry, parent: AgentDefinition, entry: SubAgentEntry): Promise<AgentNow> {
  const workflow = isWorkflow(entry) ? registry.codeWorkflow(entry.workflow) : undefined
  if (isWorkflow(entry) && workflow) return workflowNow(entry, workflow)
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
  const declared: Member = own
    ? {
        ...{ ...said, digest: definitionDigest(own), pool },
        ...(own.agents?.length || offersTask(own) ? { delegates: true } : {}),
        ...(hasLimit(budget) ? { budget } : {}),
      }
    : { ...said, gone: true }
  return { declared, pool, labels }
}

/** Its sessions are runs, which may need sessions of the tree. */
function workflowNow(
  entry: SubAgent & { readonly workflow: string },
  { project, module }: CodeModule<'workflows'>,
): AgentNow {
  const { name, description = '', workflow, output_schema: outputSchema } = entry
  const labels = module.affinity ?? {}
  const pool = poolKey(labels)
  const budget = budgetLimits(entry.budget)
  const declared: Member = {
    ...{ name, description, onPause: onPauseOf(entry), workflow, digest: project.digest, pool, delegates: true },
    ...(outputSchema ? { outputSchema } : {}),
    ...(hasLimit(budget) ? { budget } : {}),
    runs: { workflow: module.name, project: project.name, file: module.file },
  }
  return { declared, pool, labels }
}

async function stored(
  registry: Pick<RegistryView, 'agentFresh' | 'version'>,
  name: string,
): Promise<AgentDefinition | undefined> {
  const entry = await registry.agentFresh(name)
  return entry && !entry.deleted ? (await registry.version(entry.digest))?.definition : undefined
}
