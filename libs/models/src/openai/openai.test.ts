import type { ModelMessage } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { collect, request, shellTool, user } from '../../test/contract.ts'
import { type Answered, fakeTransport, json, sse } from '../../test/fake-transport.ts'
import { createOpenAi } from './openai.ts'

const model = 'gpt-5.2'

function given(...answers: readonly (() => Answered)[]) {
  const transport = fakeTransport(...answers)
  return { transport, openai: createOpenAi({ apiKey: 'sk-secret', baseUrl: 'http://model.test/v1', transport }) }
}

const usage = {
  input_tokens: 50,
  input_tokens_details: { cached_tokens: 30, cache_write_tokens: 2 },
  output_tokens: 8,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 58,
}
const response = (more: Record<string, unknown> = {}) => ({
  id: 'resp_1',
  model,
  output: [],
  usage,
  incomplete_details: null,
  error: null,
  ...more,
})
const completed = { type: 'response.completed', response: response() }
const added = (output_index: number, item: unknown) => ({ type: 'response.output_item.added', output_index, item })
const done = (output_index: number, item: unknown) => ({ type: 'response.output_item.done', output_index, item })
const reasoning = {
  type: 'reasoning',
  id: 'rs_1',
  summary: [
    { type: 'summary_text', text: 'first' },
    { type: 'summary_text', text: 'second' },
  ],
  encrypted_content: 'enc',
}

describe('reading', () => {
  test('a reasoning item, with its summaries, and a function call become blocks', async () => {
    const summary = (summary_index: number, delta: string) => ({
      type: 'response.reasoning_summary_text.delta',
      output_index: 0,
      summary_index,
      delta,
    })
    const { openai } = given(
      sse(
        { type: 'response.created', response: response() },
        added(0, { ...reasoning, summary: [] }),
        summary(0, 'fir'),
        summary(0, 'st'),
        summary(1, 'second'),
        done(0, reasoning),
        added(1, { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'shell', arguments: '' }),
        { type: 'response.function_call_arguments.delta', output_index: 1, delta: '{"command"' },
        done(1, { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'shell', arguments: '{"command":"ls"}' }),
        completed,
      ),
    )
    const events = await collect(openai, request(model, [user('hello')]))
    expect(events).toEqual([
      { type: 'delta', block: 0, kind: 'reasoning', text: 'fir' },
      { type: 'delta', block: 0, kind: 'reasoning', text: 'st' },
      { type: 'delta', block: 0, kind: 'reasoning', text: '\n\nsecond' },
      { type: 'delta', block: 1, kind: 'arguments', text: '{"command"', call: 'call_1', name: 'shell' },
      { type: 'delta', block: 1, kind: 'arguments', text: ':"ls"}', call: 'call_1', name: 'shell' },
      {
        type: 'completed',
        content: [
          {
            type: 'reasoning',
            text: 'first\n\nsecond',
            opaque: JSON.stringify({
              type: 'reasoning',
              id: 'rs_1',
              summary: reasoning.summary,
              encrypted_content: 'enc',
            }),
          },
          { type: 'tool-call', call: 'call_1', providerCall: 'call_1', name: 'shell', arguments: { command: 'ls' } },
        ],
        usage: { inputTokens: 50, outputTokens: 8, cacheReadTokens: 30, cacheWriteTokens: 2, reasoningTokens: 5 },
        finish: 'tool-calls',
        responseId: 'resp_1',
        responseModel: model,
      },
    ])
  })

  test('a refusal with words is completed{refused}; a filter without words is failed{refused}', async () => {
    const { openai } = given(
      sse(
        added(0, { type: 'message', content: [] }),
        { type: 'response.refusal.delta', output_index: 0, content_index: 0, delta: 'I will not' },
        completed,
      ),
      sse({ type: 'response.incomplete', response: response({ incomplete_details: { reason: 'content_filter' } }) }),
    )
    expect((await collect(openai, request(model, [user('a')]))).at(-1)).toMatchObject({
      type: 'completed',
      finish: 'refused',
      content: [{ type: 'text', text: 'I will not' }],
    })
    expect(await collect(openai, request(model, [user('b')]))).toMatchObject([{ type: 'failed', code: 'refused' }])
  })

  test('response.failed and a full window keep their meaning', async () => {
    const { openai } = given(
      sse({ type: 'response.failed', response: response({ error: { code: 'rate_limit_exceeded', message: 'slow' } }) }),
      json(400, {
        error: {
          message: 'Your input exceeds the context window of this model.',
          type: 'invalid_request_error',
          code: 'context_length_exceeded',
        },
      }),
      json(429, {
        error: { message: 'You exceeded your current quota', type: 'insufficient_quota', code: 'insufficient_quota' },
      }),
    )
    expect(await collect(openai, request(model, [user('a')]))).toMatchObject([{ code: 'rate-limited' }])
    expect(await collect(openai, request(model, [user('b')]))).toMatchObject([{ code: 'context-overflow' }])
    expect(await collect(openai, request(model, [user('c')]))).toMatchObject([{ code: 'auth' }])
  })
})

describe('writing', () => {
  test('nothing is stored, reasoning comes encrypted, tools are whole and not strict', async () => {
    const { openai, transport } = given(sse(completed))
    await collect(openai, request(model, [user('hello')], { reasoningEffort: 'low' }))
    expect(transport.sent[0]?.url).toBe('http://model.test/v1/responses')
    expect(transport.sent[0]?.body).toEqual({
      model,
      max_output_tokens: 4_096,
      stream: true,
      store: false,
      include: ['reasoning.encrypted_content'],
      reasoning: { effort: 'low', summary: 'auto' },
      prompt_cache_key: 'session-1',
      instructions: 'You help.',
      tools: [
        {
          type: 'function',
          name: 'shell',
          description: 'Runs a command.',
          parameters: shellTool.parameters,
          strict: false,
        },
      ],
      input: [{ role: 'user', content: [{ type: 'input_text', text: 'hello' }] }],
    })
  })

  test('a model that does not reason is not asked to', async () => {
    const { openai, transport } = given(sse(completed))
    await collect(openai, request('gpt-4.1', [user('hello')], { reasoningEffort: 'high' }))
    expect(transport.sent[0]?.body).not.toHaveProperty('reasoning')
    expect(transport.sent[0]?.body).not.toHaveProperty('include')
  })

  test('a refused summary is left out, then and from then on', async () => {
    const refused = json(400, {
      error: { message: 'Your organization must be verified', param: 'reasoning.summary', code: 'unsupported_value' },
    })
    const output = [{ type: 'message', content: [{ type: 'output_text', text: 'ok' }] }]
    const answered = sse({ type: 'response.completed', response: response({ output }) })
    const { openai, transport } = given(refused, answered)
    expect((await collect(openai, request(model, [user('hello')]))).at(-1)).toMatchObject({ type: 'completed' })
    await collect(openai, request(model, [user('again')]))
    expect(transport.sent.map(({ body }) => body.reasoning)).toEqual([{ summary: 'auto' }, undefined, undefined])
  })

  test('reasoning goes back as it came to its model, and is dropped for another; errors of tools are said', async () => {
    const { openai, transport } = given(sse(completed))
    const item = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'enc' }
    const history: ModelMessage[] = [
      user('one'),
      {
        role: 'assistant',
        model: `openai/${model}`,
        content: [
          { type: 'reasoning', text: '', opaque: JSON.stringify(item) },
          { type: 'text', text: 'looking' },
          { type: 'tool-call', call: 'c1', providerCall: 'call_9', name: 'shell', arguments: { command: 'ls' } },
        ],
      },
      { role: 'tool', call: 'c1', name: 'shell', output: 'no such file', error: true },
    ]
    const rest = [
      { role: 'assistant', content: 'looking' },
      { type: 'function_call', call_id: 'call_9', name: 'shell', arguments: '{"command":"ls"}' },
      { type: 'function_call_output', call_id: 'call_9', output: 'Error: no such file' },
    ]
    const first = { role: 'user', content: [{ type: 'input_text', text: 'one' }] }
    await collect(openai, request(model, history))
    await collect(openai, request('gpt-5-mini', history))
    expect(transport.sent.map(({ body }) => body.input)).toEqual([
      [first, item, ...rest],
      [first, ...rest],
    ])
  })
})
