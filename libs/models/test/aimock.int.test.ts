// The adapters against a server that nobody here wrote: Anthropic's, OpenAI's (Responses) and Ollama's (chat completions) wire
// forms, with streams, tools, failures, and answers that are cut.
import { type Fixture, LLMock } from '@copilotkit/aimock'
import type { ModelProvider } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEmbedder, createModels, loadModelsConfig, type Models } from '../src/index.ts'
import { collect, contentOf, modelContract, prompts, reply, request, shellTool, told, user } from './contract.ts'

const mock = new LLMock({ port: 0, chunkSize: 6 })
let models: Models

function teach(prompt: string, response: Fixture['response'], more: Partial<Fixture> = {}): void {
  mock.addFixture({ match: { userMessage: prompt, ...more.match }, response, ...more })
}

beforeAll(async () => {
  mock.on({ userMessage: prompts.parallel, hasToolResult: true }, { content: 'both have answered' })
  teach(prompts.parallel, {
    toolCalls: [
      { name: 'shell', arguments: '{"command":"ls"}' },
      { name: 'shell', arguments: '{"command":"pwd"}' },
    ],
  })
  teach(prompts.tool, { toolCalls: [{ name: 'shell', arguments: '{"command":"ls -la"}' }] })
  teach(prompts.think, { content: reply.afterThought, reasoning: reply.thought })
  teach(prompts.text, { content: reply.text })
  teach(prompts.limited, {
    error: { message: 'slow down, sk-ant-secret123', type: 'rate_limit_error', code: 'rate_limit_exceeded' },
    status: 429,
    retryAfter: 2,
  })
  teach(prompts.overloaded, { error: { message: 'busy', type: 'overloaded_error' }, status: 529 })
  teach(prompts.tooLong, {
    error: { message: 'prompt is too long: 210000 tokens > 200000 maximum', type: 'invalid_request_error' },
    status: 400,
  })
  teach(prompts.auth, { error: { message: 'invalid x-api-key', type: 'authentication_error' }, status: 401 })
  teach('break inside', { error: { message: 'internal error', type: 'api_error' }, status: 500 })
  teach('no such model', { error: { message: 'model not found', type: 'not_found_error' }, status: 404 })
  teach('wrong field', {
    error: { message: 'max_tokens: must be positive', type: 'invalid_request_error' },
    status: 400,
  })
  teach(
    prompts.cut,
    { content: 'this answer is never told to its end. '.repeat(8) },
    { truncateAfterChunks: 12, latency: 1 },
  )
  teach('as JSON', { content: '{"total":3}' })
  teach('count', {
    content: 'counted',
    usage: { input_tokens: 11, output_tokens: 7, prompt_tokens: 11, completion_tokens: 7 },
  })
  await mock.start()
  const loaded = loadModelsConfig({
    ANTHROPIC_API_KEY: 'sk-ant-secret123',
    ANTHROPIC_BASE_URL: mock.url,
    OPENAI_API_KEY: 'sk-ant-secret123',
    OPENAI_BASE_URL: `${mock.url}/v1`,
    OLLAMA_HOST: new URL(mock.url).host,
  })
  if (loaded.kind === 'invalid') throw new Error(loaded.errors.join('\n'))
  models = createModels(loaded.config)
})

afterAll(async () => {
  models.close()
  await mock.stop()
})

function provider(name: string): ModelProvider {
  const found = models.provider(name)
  if (!found) throw new Error(`no ${name}`)
  return found
}

const adapters = [
  { name: 'anthropic', model: 'claude-sonnet-4-5', path: '/v1/messages' },
  { name: 'openai', model: 'gpt-5.2', path: '/v1/responses' },
  { name: 'ollama', model: 'qwen3', path: '/v1/chat/completions' },
]

describe.each(adapters)('$name against a foreign server', ({ name, model, path }) => {
  modelContract(() => ({ provider: provider(name), model }))

  test('500 is network, 404 is not-found, 400 is bad-request; no key is in a message', async () => {
    const ask = (prompt: string) => collect(provider(name), request(model, [user(prompt)]))
    expect(await ask('break inside')).toMatchObject([{ type: 'failed', code: 'network' }])
    expect(await ask('no such model')).toMatchObject([{ type: 'failed', code: 'not-found' }])
    expect(await ask('wrong field')).toMatchObject([{ type: 'failed', code: 'bad-request' }])
    expect(JSON.stringify(await ask(prompts.limited))).not.toContain('secret123')
  })

  test('usage is the one that the server tells', async () => {
    const events = await collect(provider(name), request(model, [user('count')]))
    expect(events.at(-1)).toMatchObject({ usage: { inputTokens: 11, outputTokens: 7 } })
  })

  test('an answer that has to fit a schema comes as its text', async () => {
    const schema = { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] }
    const events = await collect(provider(name), request(model, [user('as JSON')], { output: { schema } }))
    expect(contentOf(events).at(-1)).toEqual({ type: 'text', text: '{"total":3}' })
  })

  test('the request goes to its path, with the whole schema of the tools', async () => {
    mock.clearRequests()
    await collect(provider(name), request(model, [user(prompts.text)]))
    const sent = mock.getLastRequest()
    expect(sent?.path).toBe(path)
    expect(JSON.stringify(sent?.body)).toContain(JSON.stringify(shellTool.parameters))
  })
})

test('a thinking block comes with its signature', async () => {
  const anthropic = provider('anthropic')
  const ask = request('claude-sonnet-4-5', [user(prompts.think)], { reasoningEffort: 'low' })
  const events = await collect(anthropic, ask)
  const [thinking] = contentOf(events)
  expect(told(events, 0)).toBe(reply.thought)
  expect(thinking).toMatchObject({ type: 'reasoning', opaque: expect.any(String) })
})

test('embeddings of OpenAI and of Ollama come as vectors of the length 1', async () => {
  mock.onEmbedding(/coffee/, { embedding: [3, 4] })
  const server = { OPENAI_API_KEY: 'k', OPENAI_BASE_URL: `${mock.url}/v1`, OLLAMA_HOST: new URL(mock.url).host }
  for (const model of ['openai/text-embedding-3-small', 'ollama/nomic-embed-text']) {
    const loaded = loadModelsConfig({ ...server, REINS_EMBEDDING_MODEL: model })
    const embedder = loaded.kind === 'ok' ? createEmbedder(loaded.config) : undefined
    const vectors = await embedder?.embed(['a coffee', 'no sugar in the coffee'], new AbortController().signal)
    embedder?.close()
    expect(vectors?.map((vector) => Math.hypot(...vector))).toEqual([1, 1].map((one) => expect.closeTo(one, 5)))
  }
})
