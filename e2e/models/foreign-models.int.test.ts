// Whole sessions on wire formats that nobody here wrote: a turn with a tool, a refusal with Retry-After, a cut answer, a wrong key.
import { LLMock } from '@copilotkit/aimock'
import type { Client } from '@reins/client'
import type { ApiEvent } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Product } from '../bad-input/product.ts'

const key = 'sk-not-a-real-key-0123456789'
const mock = new LLMock({ port: 0, chunkSize: 6 })
let product: Product
let client: Client

beforeAll(async () => {
  // First: where a provider wants them merged, several messages without an answer between are one, and this is the newest in it.
  mock.addFixture({ match: { userMessage: 'hello' }, response: { content: 'Hello from a foreign server.' } })
  mock.on({ userMessage: 'list the files', hasToolResult: true }, { content: 'There are no files.' })
  mock.addFixture({
    match: { userMessage: 'list the files' },
    response: { toolCalls: [{ name: 'list_directory', arguments: '{"path":"."}' }] },
  })
  mock.addFixture({
    match: { userMessage: 'wait' },
    response: { error: { message: `slow down ${key}`, type: 'rate_limit_error' }, status: 429, retryAfter: 1 },
  })
  mock.addFixture({
    match: { userMessage: 'wrong key' },
    response: { error: { message: 'invalid key', type: 'authentication_error' }, status: 401 },
  })
  mock.addFixture({
    match: { userMessage: 'cut' },
    response: { content: 'this is never told to its end. '.repeat(8) },
    truncateAfterChunks: 12,
    latency: 1,
  })
  await mock.start()
  const environment = {
    ANTHROPIC_API_KEY: key,
    ANTHROPIC_BASE_URL: mock.url,
    OPENAI_API_KEY: key,
    OPENAI_BASE_URL: `${mock.url}/v1`,
    OLLAMA_HOST: new URL(mock.url).host,
  }
  product = await Product.start(environment)
  client = product.client
  for (const [name, model] of models)
    await client.agents.put(name, {
      definition: {
        name,
        model,
        system_prompt: 'You help.',
        tools: [{ directory: { workspace: '.' } }],
        workspace_context: false,
      },
    })
})

afterAll(async () => {
  await product?.close()
  await mock.stop()
})

const models = [
  ['claude', 'anthropic/claude-sonnet-4-5'],
  ['gpt', 'openai/gpt-5'],
  ['llama', 'ollama/llama3.2'],
] as const

const eventsOf = async (id: string): Promise<readonly ApiEvent[]> =>
  (await client.sessions.events(id, { limit: 1000 })).events

/** Reads on until an event of the type is there. */
async function until(id: string, type: string): Promise<readonly ApiEvent[]> {
  const signal = AbortSignal.timeout(110_000)
  const seen: ApiEvent[] = []
  for await (const item of client.sessions.follow(id, { deltas: false, signal })) {
    if (!('n' in item)) continue
    seen.push(item)
    if (item.type === type) return seen
  }
  throw new Error(`no ${type} in ${seen.map((event) => event.type).join(', ')}`)
}

test('the default agent takes the first provider that has a key, and says which', () => {
  expect(product.model).toMatchObject({
    model: expect.stringMatching(/^anthropic\//),
    because: expect.stringContaining('ANTHROPIC_API_KEY'),
  })
})

describe.each(models)('%s on %s', (agent) => {
  test('runs a turn with a tool, and streams the answer in pieces', async () => {
    const { session } = await client.sessions.create({ agent })
    const { turn } = await client.sessions.sendAndWait(session.id, { content: 'list the files' })
    expect(turn).toMatchObject({ status: 'completed', content: 'There are no files.' })
    const types = (await eventsOf(session.id)).map(({ type }) => type)
    expect(types).toEqual([
      ...['session.started', 'message.received', 'turn.started', 'model-call.started', 'model-call.completed'],
      ...[
        'tool-calls.requested',
        'tool-call.completed',
        'model-call.started',
        'model-call.completed',
        'turn.completed',
      ],
    ])
    const again = await client.sessions.sendAndWait(session.id, { content: 'hello' })
    expect(again.turn.content).toBe('Hello from a foreign server.')
  })

  test('is put off by a 429 for as long as it asks, by a durable timer; the key is in no event', async () => {
    const { session } = await client.sessions.create({ agent, message: 'wait' })
    const events = await until(session.id, 'timer.fired')
    const [throttled] = events.filter(({ type }) => type === 'model-call.throttled')
    if (!throttled) throw new Error('it was not put off')
    const { until: due, error } = throttled.data as { until: number; error: { code: string } }
    expect(error.code).toBe('rate-limited')
    expect(due - throttled.at).toBeGreaterThanOrEqual(990)
    expect(JSON.stringify(events)).not.toContain(key)
    await client.sessions.end(session.id)
  })

  test('a cut answer is tried again; an error ends the turn and never the session', async () => {
    const { session } = await client.sessions.create({ agent, message: 'cut' })
    const events = await until(session.id, 'model-call.throttled')
    expect(events.at(-1)?.data).toMatchObject({ error: { code: 'network' } })
    await client.sessions.cancel(session.id)
    await until(session.id, 'turn.cancelled')
    const failed = await client.sessions.sendAndWait(session.id, { content: 'wrong key' })
    expect(failed.turn).toMatchObject({ status: 'failed', error: { code: 'auth' } })
    const after = await client.sessions.sendAndWait(session.id, { content: 'hello' })
    expect(after.turn).toMatchObject({ status: 'completed', content: 'Hello from a foreign server.' })
  })
})
