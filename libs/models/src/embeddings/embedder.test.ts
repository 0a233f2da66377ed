import { describe, expect, it } from 'vitest'
import type { Reply } from '../http/exchange.ts'
import type { Transport } from '../http/transport.ts'
import { compatibleEmbedder } from './compatible-embedder.ts'
import { scriptedEmbedder } from './scripted-embedder.ts'

const signal = new AbortController().signal

/** Answers each request with one body, and keeps what was asked. */
function server(status: number, body: string) {
  const asked: { url: string; authorization: string | undefined; body: unknown }[] = []
  const transport: Transport = {
    async post(url, post) {
      asked.push({ url, authorization: post.headers.authorization, body: JSON.parse(post.body) })
      const parts = [Buffer.from(body)]
      const reply: Pick<Reply, 'status' | 'read' | 'leave'> = { status, read: async () => parts.shift(), leave() {} }
      return reply as Reply
    },
    close: () => undefined,
  }
  const common = { provider: 'lab', model: 'small', baseUrl: 'http://lab.test/v1', least: 0.3 }
  return { asked, embedder: compatibleEmbedder({ ...common, apiKey: 'sk-secret', transport }) }
}

describe('a server with OpenAI’s embeddings', () => {
  it('is asked for all texts at once, and its vectors come in their order, with the length 1', async () => {
    const { asked, embedder } = server(
      200,
      '{"data":[{"index":1,"embedding":[0,2]},{"index":0,"embedding":[3,4]}],"model":"x","usage":{}}',
    )
    const vectors = await embedder.embed(['a', 'b'], signal)
    expect(vectors.map((vector) => [...vector].map((value) => Math.round(value * 10) / 10))).toEqual([
      [0.6, 0.8],
      [0, 1],
    ])
    expect(asked).toEqual([
      {
        url: 'http://lab.test/v1/embeddings',
        authorization: 'Bearer sk-secret',
        body: { model: 'small', input: ['a', 'b'], encoding_format: 'float' },
      },
    ])
  })

  it.each([
    ['no JSON', 200, '<html>', 'lab answers with something else than embeddings'],
    ['no vectors', 200, '{"data":[{"embedding":"AAAA"}]}', 'lab answers with something else than embeddings'],
    ['too few', 200, '{"data":[{"embedding":[1]}]}', 'lab gives 1 usable vectors for 2 texts'],
    ['one twice', 200, '{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}', 'lab gives 1 usable'],
    ['a vector of nothing', 200, '{"data":[{"embedding":[0,0]},{"embedding":[1,0]}]}', 'lab gives 1 usable vectors'],
    ['a wrong key', 401, '{"error":{"message":"wrong key sk-secret"}}', 'lab answers 401: wrong key ***'],
    ['an error of Ollama', 404, '{"error":"model \\"small\\" not found"}', 'lab answers 404: model'],
  ])('what is wrong is told: %s', async (_, status, body, why) => {
    await expect(server(status, body).embedder.embed(['a', 'b'], signal)).rejects.toThrow(why)
  })

  it('tells texts that are refused from a server that is away', async () => {
    await expect(server(400, '{}').embedder.embed(['a'], signal)).rejects.toMatchObject({ refused: true })
    await expect(server(503, '{}').embedder.embed(['a'], signal)).rejects.toMatchObject({ refused: false })
  })
})

describe('the scripted embedding model', () => {
  it('knows some words that mean the same', async () => {
    const [car, automobile, dog] = await scriptedEmbedder(0.3).embed(['the car', 'an automobile', 'a dog'], signal)
    const cosine = (one?: Float32Array, other?: Float32Array) =>
      [...(one ?? [])].reduce((sum, value, at) => sum + value * (other?.[at] ?? 0), 0)
    expect(cosine(car, automobile)).toBeCloseTo(1)
    expect(cosine(car, dog)).toBeCloseTo(0)
  })
})
