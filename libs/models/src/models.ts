// All providers of a process, by name, and which model is the default. Boundary: reads no environment (config.ts does) and
// opens nothing before the first call. Whoever makes it closes it.
import type { ModelProvider, ModelProviders } from '@reins/contracts'
import { createAnthropic } from './anthropic/anthropic.ts'
import { createOpenAiCompatible } from './compatible/compatible.ts'
import type { ModelsConfig } from './config.ts'
import { createTransport } from './http/transport.ts'
import { createOpenAi } from './openai/openai.ts'
import { type ModelQuota, quotaOf } from './quotas.ts'
import { createScripted, scriptedModels } from './scripted/scripted.ts'

const mostQuotas = 1000

export type Resolved =
  | { readonly kind: 'ok'; readonly provider: ModelProvider /** Without the provider. */; readonly model: string }
  /** `unknown`: nobody provides it; `no-key`: the provider is known but has no key. `message` names what is valid. */
  | { readonly kind: 'unknown' | 'no-key'; readonly message: string }

export interface Models {
  /** undefined: no such provider, or it has no key. */
  provider(name: string): ModelProvider | undefined
  /** `reference` is `provider/model`; the model may contain slashes. */
  resolve(reference: string): Resolved
  /** Those whose models can be called here, and those that lack a key. */
  providers(): ModelProviders
  /** What a call of this model counts against; undefined: nothing outside this process. */
  quotaOf(reference: string): ModelQuota | undefined
  /** The first provider that has a key: anthropic, openai, configured ones, Ollama where OLLAMA_HOST is set; else the scripted one. */
  defaultModel(): { readonly model: string; readonly because: string }
  /** Ends the kept connections. */
  close(): void
}

const defaults = { anthropic: 'claude-sonnet-5-5', openai: 'gpt-6-sol', ollama: 'llama3.2' } as const

interface Entry {
  readonly provider?: ModelProvider
  readonly keyEnv?: string
  readonly models?: readonly string[]
  /** Where it is, and with which key; absent: in this process. */
  readonly at?: { readonly baseUrl: string; readonly apiKey?: string | undefined }
}

export function createModels(config: ModelsConfig): Models {
  const transport = createTransport(config)
  const { anthropic, openai, ollama } = config
  const entries = new Map<string, Entry>()
  entries.set('anthropic', {
    keyEnv: 'ANTHROPIC_API_KEY',
    at: anthropic,
    ...(anthropic.apiKey
      ? { provider: createAnthropic({ apiKey: anthropic.apiKey, baseUrl: anthropic.baseUrl, transport }) }
      : {}),
  })
  entries.set('openai', {
    keyEnv: 'OPENAI_API_KEY',
    at: openai,
    ...(openai.apiKey ? { provider: createOpenAi({ apiKey: openai.apiKey, baseUrl: openai.baseUrl, transport }) } : {}),
  })
  for (const { name, baseUrl, apiKey, apiKeyEnv, models, contextWindow = 32_768, unmarkedEnd } of config.compatible) {
    const usable = apiKeyEnv === undefined || apiKey !== undefined
    entries.set(name, {
      at: { baseUrl, apiKey },
      ...(apiKeyEnv === undefined ? {} : { keyEnv: apiKeyEnv }),
      ...(models === undefined ? {} : { models }),
      ...(usable
        ? {
            provider: createOpenAiCompatible({
              ...{ name, baseUrl, apiKey, apiKeyEnv, contextWindow, transport, unmarkedEnd },
            }),
          }
        : {}),
    })
  }
  entries.set('ollama', {
    at: ollama,
    provider: createOpenAiCompatible({
      name: 'ollama',
      baseUrl: ollama.baseUrl,
      contextWindow: ollama.contextWindow,
      transport,
    }),
  })
  entries.set('scripted', {
    provider: createScripted({ tokenIntervalMs: config.scriptedIntervalMs }),
    models: scriptedModels,
  })

  const valid = (): string =>
    [...entries]
      .map(([name, { models }]) => (models ? models.map((model) => `${name}/${model}`).join(', ') : `${name}/…`))
      .join(', ')

  /** By reference: each call of a model asks several times. */
  const quotas = new Map<string, ModelQuota>()

  return {
    provider: (name) => entries.get(name)?.provider,
    resolve(reference) {
      const slash = reference.indexOf('/')
      const name = reference.slice(0, Math.max(slash, 0))
      const model = reference.slice(slash + 1)
      if (slash <= 0 || model === '')
        return { kind: 'unknown', message: `"${reference}" is not a model. Write provider/model, one of ${valid()}` }
      const entry = entries.get(name)
      if (!entry)
        return {
          kind: 'unknown',
          message: `"${reference}" names the provider "${name}", which is not configured. Name one of ${valid()}`,
        }
      if (entry.models && !entry.models.includes(model)) {
        return {
          kind: 'unknown',
          message: `"${reference}" is not a model of ${name}, which has ${entry.models.map((known) => `${name}/${known}`).join(', ')}`,
        }
      }
      if (!entry.provider)
        return {
          kind: 'no-key',
          message: `"${reference}" needs a key. Set ${entry.keyEnv} where the executor runs, and start it again.`,
        }
      return { kind: 'ok', provider: entry.provider, model }
    },
    providers: () => ({
      callable: [...entries].flatMap(([name, { provider }]) => (provider ? [name] : [])),
      keyless: [...entries].flatMap(([name, { provider, keyEnv }]) =>
        provider || keyEnv === undefined ? [] : [{ provider: name, setting: keyEnv }],
      ),
    }),
    quotaOf(reference) {
      const known = quotas.get(reference)
      if (known) return known
      const slash = reference.indexOf('/')
      const provider = reference.slice(0, Math.max(slash, 0))
      const at = entries.get(provider)?.at
      if (!at) return undefined
      const quota = quotaOf(config.quotas, { ...at, provider, model: reference.slice(slash + 1) })
      // Agents name models as they like.
      if (quotas.size >= mostQuotas) quotas.clear()
      quotas.set(reference, quota)
      return quota
    },
    defaultModel() {
      if (anthropic.apiKey) return { model: `anthropic/${defaults.anthropic}`, because: 'ANTHROPIC_API_KEY is set' }
      if (openai.apiKey) return { model: `openai/${defaults.openai}`, because: 'OPENAI_API_KEY is set' }
      for (const { name, apiKeyEnv, models } of config.compatible) {
        if (!entries.get(name)?.provider || !models?.[0]) continue
        return {
          model: `${name}/${models[0]}`,
          because: apiKeyEnv ? `${apiKeyEnv} is set` : `REINS_MODEL_PROVIDERS names ${name}, which needs no key`,
        }
      }
      if (ollama.chosen)
        return { model: `ollama/${defaults.ollama}`, because: 'OLLAMA_HOST is set, and no provider has a key' }
      return {
        model: `scripted/${scriptedModels[0]}`,
        because: 'no provider has a key: set ANTHROPIC_API_KEY, OPENAI_API_KEY or OLLAMA_HOST for a real model',
      }
    },
    close: () => transport.close(),
  }
}
