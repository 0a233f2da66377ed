// What an agent's definition means for its model calls, by digest; immutable, hence cached for ever (bounded).
import { type AgentDefinition, definitionDefaults, type ToolSpec } from '@reins/contracts'
import type { RegistryView } from '@reins/journal'
import { builtinTools, resolveTools } from '@reins/tools'

export interface CallSettings {
  readonly system: string
  readonly tools: readonly ToolSpec[]
  readonly maxTokens: number
  readonly stream: boolean
  readonly reasoningEffort?: 'low' | 'medium' | 'high'
}

const cacheSize = 1000

export class Definitions {
  readonly #registry: Pick<RegistryView, 'version'>
  readonly #settings = new Map<string, Promise<CallSettings | undefined>>()

  constructor(registry: Pick<RegistryView, 'version'>) {
    this.#registry = registry
  }

  /** undefined: no such version is known (which the log says it is: the registry's stream has lost it). */
  settings(digest: string): Promise<CallSettings | undefined> {
    const known = this.#settings.get(digest)
    if (known) return known
    if (this.#settings.size >= cacheSize) this.#settings.clear()
    const loading = this.#registry.version(digest).then((entry) => entry && settingsOf(entry.definition))
    this.#settings.set(digest, loading)
    loading.then(
      (found) => found ?? this.#settings.delete(digest),
      () => this.#settings.delete(digest),
    )
    return loading
  }

  definition(digest: string): Promise<AgentDefinition | undefined> {
    return this.#registry.version(digest).then((entry) => entry?.definition)
  }
}

export function settingsOf(definition: AgentDefinition): CallSettings {
  const resolved = resolveTools(definition.tools ?? [])
  const names = new Set(resolved.ok ? resolved.tools.map(({ definition: tool }) => tool.name) : [])
  return {
    system: definition.system_prompt,
    tools: builtinTools
      .filter(({ name }) => names.has(name))
      .map(({ name, description, parameters }) => ({ name, description, parameters: { ...parameters } })),
    maxTokens: definition.max_tokens ?? definitionDefaults.maxTokens,
    stream: definition.stream ?? true,
    ...(definition.reasoning_effort === undefined ? {} : { reasoningEffort: definition.reasoning_effort }),
  }
}
