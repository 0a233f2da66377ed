// The definition that the name of an agent stands for: as the registry has it, or as the initializer of its module gives it for one id.
// The one way for a session that a person begins, for each of its messages, and for a workflow.
//   FA1. What the initializer gives is asked of the registry, which runs it and keeps the version. Nothing is known beforehand of whether
//        it gives what it gave before.
//   FA2. A build that is named (`code`) is asked, whatever its project has deployed since, and also where the project is gone.
import {
  type AgentDefinition,
  type CodeBuild,
  type ConfigureAgent,
  type ConfiguredAgent,
  configureVerb,
  type ErrorBody,
  isAgentName,
  type Reply,
  serviceSubject,
} from '@reins/contracts'
import type { RegistryView } from './registry-view.ts'

export interface FindAgentOptions {
  readonly registry: Pick<RegistryView, 'agent' | 'agentFresh' | 'version' | 'codeAgent'>
  readonly call: (subject: string, request: ConfigureAgent, withinMs: number) => Promise<Reply<ConfiguredAgent>>
  /** ms in which a project that was deployed just now may become known here. Default 0: whoever asks has waited for it. */
  readonly knownWithinMs?: number
  /** ms that the registry may take. Default 25,000: an initializer has ten seconds, and its host has to be started before it. */
  readonly configureWithinMs?: number
}

export interface PinnedAgent {
  readonly digest: string
  readonly definition: AgentDefinition
  /** Absent: it is no module's. */
  readonly code?: CodeBuild
}

export type FoundAgent =
  | { readonly kind: 'found'; readonly agent: PinnedAgent }
  | { readonly kind: 'none' }
  /** `error`: what is wrong with the module, or why nobody can say now (`unavailable`). */
  | { readonly kind: 'refused'; readonly error: ErrorBody }

/** Rejects with BrokerUnavailable, or where the registry does not answer. */
export async function findAgent(
  { registry, call, knownWithinMs = 0, configureWithinMs = 25_000 }: FindAgentOptions,
  asked: ConfigureAgent,
): Promise<FoundAgent> {
  const { agent: name, code, bundle } = asked
  const configured = async (): Promise<FoundAgent> => {
    const reply = await call(serviceSubject('registry', configureVerb), asked, configureWithinMs)
    if (!reply.ok) return { kind: 'refused', error: reply.error }
    const { digest, definition, code: build } = reply.value
    return { kind: 'found', agent: { digest, definition, code: build } }
  }
  if (code || bundle !== undefined) return configured() // FA2
  const known = registry.agent(name)
  if (!known && registry.codeAgent(name)) return configured()
  const entry = known ?? (isAgentName(name) ? await registry.agentFresh(name) : undefined)
  if (entry && !entry.deleted) {
    const version = await registry.version(entry.digest)
    if (version) return { kind: 'found', agent: { digest: version.digest, definition: version.definition } }
    const message = `The definition of ${name} (${entry.digest}) cannot be read now.`
    return { kind: 'refused', error: { code: 'unavailable', message } }
  }
  if (knownWithinMs === 0) return { kind: 'none' }
  await new Promise((resolve) => setTimeout(resolve, knownWithinMs))
  return registry.codeAgent(name) ? configured() : { kind: 'none' }
}
