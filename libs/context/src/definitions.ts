// What an agent's definition means for its model calls and its sessions, by digest; immutable, hence cached for ever (bounded).
import { type AgentDefinition, definitionDefaults, type ToolSpec } from '@reins/contracts'
import { isTurnedOff } from '@reins/session'
import { resolveToolset, type ToolCatalog, type Toolset, toolsProblemsText } from '@reins/tools'
import { told } from './told-tools.ts'

export interface CallSettings {
  readonly system: string
  readonly tools: readonly ToolSpec[]
  /** Lines that follow the newest message. */
  readonly notices?: readonly string[]
  readonly maxTokens: number
  readonly stream: boolean
  readonly reasoningEffort?: 'low' | 'medium' | 'high'
}

export type Settings =
  | { readonly kind: 'known'; readonly settings: CallSettings }
  /** Nothing can be asked of a model: why, for the people of the session. */
  | { readonly kind: 'unusable'; readonly why: string }

interface Resolved {
  readonly definition: AgentDefinition
  readonly toolset: Toolset
}

/** Where versions of definitions are, by digest. */
export interface DefinitionSource {
  version(digest: string): Promise<{ readonly definition: AgentDefinition } | undefined>
}

const cacheSize = 1000

export class Definitions {
  readonly #registry: DefinitionSource
  readonly #sources: readonly ToolCatalog[]
  readonly #resolved = new Map<string, Promise<Resolved | undefined>>()

  constructor(registry: DefinitionSource, sources: readonly ToolCatalog[]) {
    this.#registry = registry
    this.#sources = sources
  }

  async settings(digest: string): Promise<Settings> {
    const resolved = await this.resolved(digest)
    return resolved
      ? settingsOf(resolved)
      : { kind: 'unusable', why: "The session's definition is not in the registry." }
  }

  /** undefined: no such version is known (which the log says it is: the registry's stream has lost it). */
  resolved(digest: string): Promise<Resolved | undefined> {
    const known = this.#resolved.get(digest)
    if (known) return known
    if (this.#resolved.size >= cacheSize) this.#resolved.clear()
    const loading = this.#load(digest)
    this.#resolved.set(digest, loading)
    loading.then(
      (found) => found ?? this.#resolved.delete(digest),
      () => this.#resolved.delete(digest),
    )
    return loading
  }

  async #load(digest: string): Promise<Resolved | undefined> {
    const entry = await this.#registry.version(digest)
    return entry && { definition: entry.definition, toolset: await resolveToolset(this.#sources, entry.definition) }
  }
}

/** A definition whose tools do not resolve has no settings: a model without its tools would answer as if it had none. */
export function settingsOf({ definition, toolset }: Resolved): Settings {
  if (toolset.kind === 'unresolved')
    return {
      kind: 'unusable',
      why: `The agent's definition has tools that this version cannot give: ${toolsProblemsText(toolset.problems)}. Correct the agent and start a new session.`,
    }
  return {
    kind: 'known',
    settings: {
      system: definition.system_prompt,
      tools: toolset.tools.filter(({ spec }) => !isTurnedOff(definition, spec)).map(({ spec }) => told(spec)),
      maxTokens: definition.max_tokens ?? definitionDefaults.maxTokens,
      stream: definition.stream ?? true,
      ...(definition.reasoning_effort === undefined ? {} : { reasoningEffort: definition.reasoning_effort }),
    },
  }
}
