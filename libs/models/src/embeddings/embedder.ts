// Which embedding model a process has: vectors of texts, for search by meaning. There is none unless the operator names one.
import type { EmbeddingModel, ModelsConfig } from '../config.ts'
import { createTransport } from '../http/transport.ts'
import { compatibleEmbedder } from './compatible-embedder.ts'
import { scriptedEmbedder } from './scripted-embedder.ts'

export interface Embedder {
  /** `provider/model`. Vectors of different models cannot be compared. */
  readonly model: string
  /** Below this cosine, two texts have nothing to do with each other. */
  readonly least: number
  /** One vector of length 1 for each text, in their order. Rejects with an EmbeddingError. */
  embed(texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]>
  /** Ends the kept connections. */
  close(): void
}

/** undefined: none is configured. Whoever makes it closes it. */
export function createEmbedder(config: ModelsConfig): Embedder | undefined {
  const { embedding } = config
  if (!embedding) return undefined
  const { least } = embedding
  if (embedding.provider === 'scripted') return scriptedEmbedder(least)
  return compatibleEmbedder({
    ...serverOf(config, embedding),
    model: embedding.model,
    least,
    transport: createTransport(config),
  })
}

function serverOf({ openai, ollama, compatible }: ModelsConfig, { provider }: EmbeddingModel) {
  const found =
    provider === 'openai' ? openai : provider === 'ollama' ? ollama : compatible.find(({ name }) => name === provider)
  if (!found) throw new Error(`the provider ${provider} was checked when the configuration was read`)
  const key = 'apiKey' in found ? found.apiKey : undefined
  return { provider, baseUrl: found.baseUrl, ...(key === undefined ? {} : { apiKey: key }) }
}
