// The scripted models by themselves, and through the adapters against the scripted server; and the OpenAI SDK as a foreign
// client of that server.
import type { ModelProvider } from '@reins/contracts'
import { OpenAI } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createModels, createScripted, loadModelsConfig, type Models } from '../src/index.ts'
import { type ScriptedServer, startScriptedServer } from '../src/scripted/server.ts'
import { collect, modelContract, request, shellTool, user } from './contract.ts'

let server: ScriptedServer
let models: Models
let client: OpenAI

beforeAll(async () => {
  server = await startScriptedServer({ port: 0, tokenIntervalMs: 0 })
  const loaded = loadModelsConfig({
    OPENAI_API_KEY: 'sk-test',
    OPENAI_BASE_URL: server.url,
    REINS_MODEL_PROVIDERS: JSON.stringify([{ name: 'bench', baseUrl: server.url }]),
  })
  if (loaded.kind === 'invalid') throw new Error(loaded.errors.join('\n'))
  models = createModels(loaded.config)
  client = new OpenAI({ apiKey: 'any', baseURL: server.url, maxRetries: 0 })
})

afterAll(async () => {
  models.close()
  await server.close()
})

function provider(name: string): ModelProvider {
  const found = models.provider(name)
  if (!found) throw new Error(`no ${name}`)
  return found
}

describe('the contract, over the scripted model in this process', () => {
  const scripted = createScripted({ tokenIntervalMs: 0 })
  modelContract(() => ({ provider: scripted, model: 'assistant' }))
})

describe('the contract, over the OpenAI adapter (Responses) and the scripted server', () => {
  modelContract(() => ({ provider: provider('openai'), model: 'assistant' }))
})

describe('the contract, over the compatible adapter (chat completions) and the scripted server', () => {
  modelContract(() => ({ provider: provider('bench'), model: 'assistant' }))
})

describe('a foreign client of the scripted server', () => {
  const tool = {
    type: 'function',
    function: { name: shellTool.name, description: shellTool.description, parameters: { ...shellTool.parameters } },
  } as const

  test('chat completions, whole and streamed, say the same', async () => {
    const whole = await client.chat.completions.create({
      model: 'scripted/assistant',
      messages: [{ role: 'user', content: 'say one two' }],
    })
    expect(whole.choices[0]).toMatchObject({
      message: { role: 'assistant', content: 'one two' },
      finish_reason: 'stop',
    })
    const stream = client.chat.completions.stream({
      model: 'assistant',
      messages: [{ role: 'user', content: 'say one two' }],
    })
    expect(await stream.finalContent()).toBe('one two')
  })

  test('a tool call by chat completions, and its result quoted', async () => {
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: '!shell date' }]
    const first = await client.chat.completions.create({ model: 'assistant', messages, tools: [tool] })
    const message = first.choices[0]?.message
    const call = message?.tool_calls?.[0]
    expect(call).toMatchObject({ type: 'function', function: { name: 'shell', arguments: '{"command":"date"}' } })
    messages.push(message!, { role: 'tool', tool_call_id: call!.id, content: 'Friday' })
    const second = await client.chat.completions.create({ model: 'assistant', messages, tools: [tool] })
    expect(second.choices[0]?.message.content).toContain('Friday')
  })

  test('responses, whole and streamed, say the same', async () => {
    const whole = await client.responses.create({ model: 'assistant', input: 'think hm | yes' })
    expect(whole).toMatchObject({ output_text: 'yes', status: 'completed' })
    const final = await client.responses.stream({ model: 'assistant', input: 'think hm | yes' }).finalResponse()
    expect(final.output_text).toBe('yes')
    expect(final.output.map((item) => item.type)).toEqual(['reasoning', 'message'])
  })

  test('an unknown model, a body that is no JSON, and a path that is none are errors in OpenAI form', async () => {
    await expect(client.chat.completions.create({ model: 'gpt', messages: [] })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    })
    const bad = await fetch(`${server.url}/chat/completions`, { method: 'POST', body: '{' })
    expect(bad.status).toBe(400)
    expect((await fetch(`${server.url}/nothing`)).status).toBe(404)
    expect((await client.models.list()).data.map((model) => model.id)).toEqual(['assistant', 'echo'])
  })

  test('a client that goes away ends the answer that hangs', async () => {
    const abort = new AbortController()
    const events = []
    for await (const event of provider('bench').stream(request('assistant', [user('hang')]), abort.signal)) {
      events.push(event)
      abort.abort()
    }
    expect(events).toMatchObject([
      { type: 'delta', text: 'Hanging' },
      { type: 'failed', code: 'network' },
    ])
  })
})

test('max_tokens cuts an answer, which says length, over every wire', async () => {
  for (const name of ['scripted', 'openai', 'bench']) {
    const events = await collect(provider(name), request('assistant', [user('stream 100')], { maxTokens: 3 }))
    expect(events.at(-1)).toMatchObject({ type: 'completed', finish: 'length', content: [{ text: 'tok0 tok1 tok2 ' }] })
  }
})

test('a server that is not there is failed{network}, with where to look', async () => {
  const gone = await startScriptedServer({ port: 0, tokenIntervalMs: 0 })
  await gone.close()
  const loaded = loadModelsConfig({ OLLAMA_HOST: new URL(gone.url).host })
  if (loaded.kind === 'invalid') throw new Error(loaded.errors.join('\n'))
  const lost = createModels(loaded.config)
  const [failed] = await collect(lost.provider('ollama')!, request('llama3.2', [user('hello')]))
  expect(failed).toMatchObject({
    type: 'failed',
    code: 'network',
    message: expect.stringContaining(new URL(gone.url).host),
  })
  lost.close()
})
