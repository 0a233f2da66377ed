// Embeddings of servers that speak OpenAI's `POST /embeddings`.
//   CE1. An answer is read through a schema. Too few vectors, or a vector that says nothing, are an error and no result.
//   CE2. No error holds the key, also where the server repeats it.
import { anything, list, number, shape, unused } from '../http/foreign.ts'
import type { Transport } from '../http/transport.ts'
import type { Embedder } from './embedder.ts'
import { EmbeddingError } from './embedding-error.ts'
import { unit } from './unit.ts'

export interface CompatibleEmbedderOptions {
  readonly provider: string
  /** Without the provider. */
  readonly model: string
  /** With `/v1`. */
  readonly baseUrl: string
  readonly apiKey?: string
  readonly least: number
  /** It is closed with the embedder. */
  readonly transport: Transport
}

const answerShape = shape('answer', {
  data: list(shape('data', { object: unused, embedding: anything, index: number })),
  object: unused,
  model: unused,
  usage: unused,
})
const mostNumbers = 16_384
const mostBytes = 64 * 1024 * 1024

export function compatibleEmbedder(options: CompatibleEmbedderOptions): Embedder {
  const { provider, model, baseUrl, apiKey, least, transport } = options
  const masked = (text: string): string => (apiKey ? text.replaceAll(apiKey, '***') : text) // CE2

  async function embed(texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]> {
    const { status, text } = await posted(JSON.stringify({ model, input: texts, encoding_format: 'float' }), signal)
    if (status !== 200)
      throw new EmbeddingError(`${provider} answers ${status}${masked(saidBy(text))}`, [400, 413, 422].includes(status))
    const data = answerShape(parsed(text), () => undefined)?.data ?? []
    if (data.length === 0 || !data.every(({ embedding }) => isVector(embedding)))
      throw new EmbeddingError(`${provider} answers with something else than embeddings`)
    const inOrder = data
      .map(({ embedding, index }, at) => ({
        at: index ?? at,
        vector: isVector(embedding) ? unit(embedding) : undefined,
      }))
      .sort((a, b) => a.at - b.at)
    const vectors = inOrder.flatMap(({ at, vector }, place) => (vector && at === place ? [vector] : []))
    if (vectors.length !== texts.length)
      throw new EmbeddingError(`${provider} gives ${vectors.length} usable vectors for ${texts.length} texts`)
    return vectors
  }

  async function posted(
    body: string,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly text: string }> {
    try {
      const reply = await transport.post(`${baseUrl}/embeddings`, {
        headers: { 'content-type': 'application/json', ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}) },
        ...{ body, signal, stream: true },
      })
      const parts: Uint8Array[] = []
      let bytes = 0
      for (let part = await reply.read(); part !== undefined; part = await reply.read()) {
        parts.push(part)
        bytes += part.length
        if (bytes <= mostBytes) continue
        reply.leave()
        throw new EmbeddingError(`${provider} answers with more than ${mostBytes} bytes`)
      }
      return { status: reply.status, text: Buffer.concat(parts).toString('utf8') }
    } catch (error) {
      if (error instanceof EmbeddingError) throw error
      throw new EmbeddingError(signal.aborted ? `${provider} did not answer in time` : `${provider} cannot be reached`)
    }
  }

  return { model: `${provider}/${model}`, least, embed, close: () => transport.close() }
}

const isVector = (value: unknown): value is readonly number[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.length <= mostNumbers &&
  value.every((one) => typeof one === 'number' && Number.isFinite(one))

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** In the words of the server, as far as there are any. */
function saidBy(text: string): string {
  const found =
    /"message"\s*:\s*"((?:[^"\\]|\\.){1,300})/.exec(text)?.[1] ??
    /"error"\s*:\s*"((?:[^"\\]|\\.){1,300})/.exec(text)?.[1]
  return found === undefined ? '' : `: ${found}`
}
