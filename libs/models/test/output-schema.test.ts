// An answer that has to fit a schema, over the three wire forms: natively, and by a tool where a server refuses that.
import type { ModelProvider, ModelRequest } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { createAnthropic } from '../src/anthropic/anthropic.ts'
import { createOpenAiCompatible } from '../src/compatible/compatible.ts'
import { createOpenAi } from '../src/openai/openai.ts'
import { collect, request, shellTool, user } from './contract.ts'
import { type Answered, type FakeTransport, fakeTransport, json, sse } from './fake-transport.ts'

const closed = {
  type: 'object',
  properties: { total: { type: 'number' } },
  required: ['total'],
  additionalProperties: false,
}
const open = { type: 'object', additionalProperties: { type: 'number' } }

interface Form {
  readonly name: string
  readonly model: string
  provider(transport: FakeTransport): ModelProvider
  /** Answers with a text, or with a call of a tool. */
  says(text: string): () => Answered
  calls(tool: string, args: string): () => Answered
  refuses(): () => Answered
  /** What of a request asks for the schema, and how it asks for a call. */
  format(body: Record<string, unknown>): unknown
  readonly native: unknown
  readonly one: unknown
  readonly any: unknown
}

const chunk = (delta: unknown, finish_reason: string | null = null) => ({
  ...{ id: 'c', model: 'm' },
  choices: [{ index: 0, delta, finish_reason }],
})

const chat: Form = {
  ...{ name: 'chat completions', model: 'm' },
  provider: (transport) =>
    createOpenAiCompatible({ name: 'lab', baseUrl: 'http://model.test/v1', contextWindow: 32_000, transport }),
  says: (text) => sse(chunk({ content: text }, 'stop'), '[DONE]'),
  calls: (tool, args) =>
    sse(
      chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: tool, arguments: args } }] }, 'tool_calls'),
      '[DONE]',
    ),
  refuses: () => json(400, { error: { message: "This model does not support 'response_format'." } }),
  format: (body) => body.response_format,
  native: { type: 'json_schema', json_schema: { name: 'result', schema: closed, strict: true } },
  one: { type: 'function', function: { name: 'give_result' } },
  any: 'required',
}

const responses: Form = {
  ...{ name: 'responses', model: 'gpt-5.2' },
  provider: (transport) => createOpenAi({ apiKey: 'sk', baseUrl: 'http://model.test/v1', transport }),
  says: (text) =>
    sse(
      { type: 'response.output_item.added', output_index: 0, item: { type: 'message', id: 'm', content: [] } },
      { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: text },
      { type: 'response.completed', response: { id: 'r', model: 'm', output: [], usage: {} } },
    ),
  calls: (tool, args) =>
    sse(
      {
        type: 'response.output_item.added',
        output_index: 0,
        item: { type: 'function_call', id: 'f', call_id: 'a', name: tool, arguments: '' },
      },
      { type: 'response.function_call_arguments.delta', output_index: 0, delta: args },
      { type: 'response.completed', response: { id: 'r', model: 'm', output: [], usage: {} } },
    ),
  refuses: () =>
    json(400, { error: { message: "Invalid parameter: 'text.format' of type 'json_schema' is not supported." } }),
  format: (body) => (body.text as { format?: unknown } | undefined)?.format,
  native: { type: 'json_schema', name: 'result', schema: closed, strict: true },
  one: { type: 'function', name: 'give_result' },
  any: 'required',
}

const block = (index: number, content_block: unknown) => ({ type: 'content_block_start', index, content_block })
const grow = (index: number, delta: unknown) => ({ type: 'content_block_delta', index, delta })
const start = { type: 'message_start', message: { id: 'm', model: 'm', usage: { input_tokens: 1, output_tokens: 1 } } }
const over = (stop_reason: string) => [
  { type: 'message_delta', delta: { stop_reason }, usage: { output_tokens: 1 } },
  { type: 'message_stop' },
]
const messages: Form = {
  ...{ name: 'messages', model: 'claude-sonnet-4-5' },
  provider: (transport) => createAnthropic({ apiKey: 'sk', baseUrl: 'http://model.test', transport }),
  says: (text) =>
    sse(start, block(0, { type: 'text', text: '' }), grow(0, { type: 'text_delta', text }), ...over('end_turn')),
  calls: (tool, args) =>
    sse(
      start,
      block(0, { type: 'tool_use', id: 'a', name: tool, input: {} }),
      grow(0, { type: 'input_json_delta', partial_json: args }),
      ...over('tool_use'),
    ),
  refuses: () =>
    json(400, { type: 'error', error: { message: 'output_config.format: Extra inputs are not permitted' } }),
  format: (body) => (body.output_config as { format?: unknown } | undefined)?.format,
  native: { type: 'json_schema', schema: closed },
  one: { type: 'tool', name: 'give_result' },
  any: { type: 'any' },
}

const ask = (form: Form, more: Partial<ModelRequest> = {}): ModelRequest =>
  request(form.model, [user('hello')], { output: { schema: closed }, ...more })
const toolNames = (body: Record<string, unknown>): readonly unknown[] =>
  ((body.tools ?? []) as { name?: string; function?: { name: string } }[]).map(
    (tool) => tool.name ?? tool.function?.name,
  )

describe.each([chat, responses, messages])('over $name', (form) => {
  const given = (...answers: readonly (() => Answered)[]) => {
    const transport = fakeTransport(...answers)
    return { transport, provider: form.provider(transport) }
  }

  test('the provider is asked to hold the model to the schema, beside its tools', async () => {
    const { transport, provider } = given(form.says('{"total":3}'))
    expect((await collect(provider, ask(form))).at(-1)).toMatchObject({
      ...{ type: 'completed', finish: 'stop' },
      content: [{ type: 'text', text: '{"total":3}' }],
    })
    const { body } = transport.sent[0]!
    expect(form.format(body)).toEqual(form.native)
    expect(toolNames(body)).toEqual(['shell'])
    expect(body.tool_choice).toBeUndefined()
  })

  test('without a schema nothing of it is sent', async () => {
    const { transport, provider } = given(form.says('hi'))
    await collect(provider, request(form.model, [user('hello')]))
    expect(form.format(transport.sent[0]!.body)).toBeUndefined()
  })

  test('a server that refuses it gets a tool that the model has to call, then and from then on', async () => {
    const { transport, provider } = given(form.refuses(), form.calls('give_result', '{"total":3}'))
    const events = await collect(provider, ask(form))
    expect(events).toMatchObject([
      { type: 'delta', kind: 'text', text: '{"total":3}' },
      { type: 'completed', finish: 'stop', content: [{ type: 'text', text: '{"total":3}' }] },
    ])
    expect(JSON.stringify(events)).not.toContain('give_result')
    await collect(provider, ask(form, { tools: [] }))
    await collect(provider, ask(form, { toolChoice: 'none' }))
    const [, both, alone, final] = transport.sent.map(({ body }) => body)
    expect(transport.sent).toHaveLength(4)
    expect(toolNames(both!)).toEqual(['shell', 'give_result'])
    expect([both, alone, final].map((body) => form.format(body!))).toEqual([undefined, undefined, undefined])
    expect([both, alone, final].map((body) => body!.tool_choice)).toEqual([form.any, form.one, form.one])
  })

  test('what the model writes as text instead, or calls besides, stays as it is', async () => {
    const { provider } = given(form.refuses(), form.says('{"total":3}'), form.calls('shell', '{"command":"ls"}'))
    expect((await collect(provider, ask(form))).at(-1)).toMatchObject({ content: [{ text: '{"total":3}' }] })
    expect((await collect(provider, ask(form))).at(-1)).toMatchObject({
      finish: 'tool-calls',
      content: [{ type: 'tool-call', name: 'shell', arguments: { command: 'ls' } }],
    })
  })

  test('arguments that are no JSON are the text of the answer', async () => {
    const { provider } = given(form.refuses(), form.calls('give_result', 'three'))
    expect((await collect(provider, ask(form))).at(-1)).toMatchObject({ content: [{ type: 'text', text: 'three' }] })
  })

  test('a tool of the agent that has the same name keeps it', async () => {
    const { transport, provider } = given(form.refuses(), form.says('{}'))
    await collect(provider, ask(form, { tools: [{ ...shellTool, name: 'give_result' }] }))
    expect(toolNames(transport.sent[1]!.body)).toEqual(['give_result', 'give_result_here'])
  })
})

test('OpenAI is asked for as much of an open schema as it can; Anthropic, which takes closed ones only, gets the tool', async () => {
  for (const form of [chat, responses]) {
    const transport = fakeTransport(form.says('{}'))
    await collect(form.provider(transport), ask(form, { output: { schema: open } }))
    expect(JSON.stringify(form.format(transport.sent[0]!.body))).toContain('"strict":false')
  }
  const transport = fakeTransport(messages.calls('give_result', '{"a":1}'))
  await collect(messages.provider(transport), ask(messages, { output: { schema: open } }))
  expect(toolNames(transport.sent[0]!.body)).toEqual(['shell', 'give_result'])
})

test('a server that takes no `strict` is asked without it', async () => {
  const refuses = json(400, { error: { message: 'unknown field strict' } })
  const transport = fakeTransport(refuses, chat.says('{}'))
  await collect(chat.provider(transport), ask(chat))
  expect(JSON.stringify(transport.sent[1]!.body)).not.toContain('strict')
  expect(transport.sent[1]!.body.response_format).toBeDefined()
})

test('a Claude that thinks is not made to call a tool, and its effort stands beside the format', async () => {
  const thinking = { reasoningEffort: 'high' as const, model: 'claude-opus-4-6' }
  const transport = fakeTransport(messages.says('{}'), messages.refuses(), messages.says('{}'))
  const provider = messages.provider(transport)
  await collect(provider, ask(messages, thinking))
  await collect(provider, ask(messages, thinking))
  const [native, , byTool] = transport.sent.map(({ body }) => body)
  expect(native!.output_config).toMatchObject({ effort: 'high', format: { type: 'json_schema' } })
  expect(byTool).toMatchObject({ output_config: { effort: 'high' } })
  expect(byTool!.tool_choice).toBeUndefined()
})
