// The agents that a workflow asks for: by name, as the registry has them now, or as their initializer gives them for this run.
import {
  type AgentDefinition,
  affinityOf,
  configureVerb,
  isAgentName,
  poolKey,
  type Reply,
  ReinsError,
  runIdOf,
  serviceSubject,
} from '@reins/contracts'
import type { RegistryView } from '@reins/journal'
import type { Session } from '@reins/session'

export type RunAgent =
  | { readonly kind: 'agent'; readonly digest: string; readonly pool: string }
  | { readonly kind: 'none' }
  /** `message`: what is wrong with its module. */
  | { readonly kind: 'refused'; readonly message: string }

type View = Pick<RegistryView, 'agentFresh' | 'version' | 'codeAgent'>
type Ask = (subject: string, request: unknown) => Promise<Reply<Configured>>

interface Configured {
  readonly digest: string
  readonly definition: AgentDefinition
}

/** ms in which a project that was deployed just now is known here. */
const knownWithinMs = 500

/** Rejects where the registry does not answer. */
export function runAgents(registry: View, ask: Ask): (name: string, session: Session) => Promise<RunAgent> {
  const kept = async (name: string): Promise<RunAgent> => {
    const entry = isAgentName(name) ? await registry.agentFresh(name) : undefined
    const version = entry && !entry.deleted ? await registry.version(entry.digest) : undefined
    return version ? found(version.digest, version.definition) : { kind: 'none' }
  }
  const configured = async (name: string, { id, run, born }: Session): Promise<RunAgent> => {
    const { workflow } = run ?? {}
    const payload = workflow && 'payload' in workflow ? { payload: workflow.payload } : {}
    const by = born?.principal ?? `session:${id}`
    const reply = await ask(serviceSubject('registry', configureVerb), { agent: name, id: runIdOf(id), ...payload, by })
    if (reply.ok) return found(reply.value.digest, reply.value.definition)
    if (reply.error.code === 'unavailable') throw new ReinsError('unavailable', reply.error.message)
    return { kind: 'refused', message: reply.error.message }
  }
  return async (name, session) => {
    const own = await kept(name)
    if (own.kind !== 'none') return own
    if (!registry.codeAgent(name)) await new Promise((resolve) => setTimeout(resolve, knownWithinMs))
    return registry.codeAgent(name) ? configured(name, session) : own
  }
}

const found = (digest: string, definition: AgentDefinition): RunAgent => ({
  kind: 'agent',
  digest,
  pool: poolKey(affinityOf(definition)),
})
