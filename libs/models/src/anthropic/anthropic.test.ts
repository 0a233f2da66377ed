import type { ModelMessage } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { collect, request, shellTool, user } from '../../test/contract.ts'
import { type Answered, fakeTransport, json, sse } from '../../test/fake-transport.ts'
import { createAnthropic } from './anthropic.ts'

const model = 'claude-sonnet-4-5'

function given(...answers: readonly (() => Answered)[]) {
  const transport = fakeTransport(...answers)
  return { transport, anthropic: createAnthropic({ apiKey: 'sk-ant-secret', baseUrl: 'http://model.test', transport }) }
}

const start = {
  type: 'message_start',
  message: {
    id: 'msg_1',
    model,
    usage: { input_tokens: 5, output_tokens: 1, cache_read_input_tokens: 100, cache_creation_input_tokens: 20 },
  },
}
const stop = (stop_reason: string, usage: unknown = { output_tokens: 9 }) => ({
  type: 'message_delta',
  delta: { stop_reason, stop_details: null },
  usage,
})
const end = { type: 'message_stop' }
const block = (index: number, content_block: unknown) => ({ type: 'content_block_start', index, content_block })
const grow = (index: number, delta: unknown) => ({ type: 'content_block_delta', index, delta })
const plain = sse(
  start,
  block(0, { type: 'text', text: '' }),
  grow(0, { type: 'text_delta', text: 'hi' }),
  stop('end_turn'),
  end,
)

describe('reading', () => {
  test('thinking with its signature, redacted thinking, text and a tool call become blocks; usage counts the cache', async () => {
    const { anthropic } = given(
      sse(
        start,
        block(0, { type: 'thinking', thinking: '', signature: '' }),
        grow(0, { type: 'thinking_delta', thinking: 'hm' }),
        grow(0, { type: 'signature_delta', signature: 'sig' }),
        block(1, { type: 'redacted_thinking', data: 'xyz' }),
        block(2, { type: 'text', text: '' }),
        block(3, { type: 'tool_use', id: 'toolu_1', name: 'shell', input: {} }),
        grow(3, { type: 'input_json_delta', partial_json: '{"command":' }),
        grow(3, { type: 'input_json_delta', partial_json: '"ls"}' }),
        { type: 'ping' },
        stop('tool_use', { input_tokens: null, output_tokens: 9, output_tokens_details: { thinking_tokens: 4 } }),
        end,
      ),
    )
    const events = await collect(anthropic, request(model, [user('hello')]))
    expect(events).toEqual([
      { type: 'delta', block: 0, kind: 'reasoning', text: 'hm' },
      { type: 'delta', block: 2, kind: 'arguments', text: '{"command":', call: 'toolu_1', name: 'shell' },
      { type: 'delta', block: 2, kind: 'arguments', text: '"ls"}', call: 'toolu_1', name: 'shell' },
      {
        type: 'completed',
        content: [
          { type: 'reasoning', text: 'hm', opaque: 'sig' },
          { type: 'reasoning', text: '', opaque: 'redacted:xyz' },
          { type: 'tool-call', call: 'toolu_1', providerCall: 'toolu_1', name: 'shell', arguments: { command: 'ls' } },
        ],
        usage: { inputTokens: 125, outputTokens: 9, cacheReadTokens: 100, cacheWriteTokens: 20, reasoningTokens: 4 },
        finish: 'tool-calls',
        responseId: 'msg_1',
        responseModel: model,
      },
    ])
  })

  test('a call without arguments has {}; one whose arguments are no JSON object is malformed', async () => {
    const { anthropic } = given(
      sse(
        start,
        block(0, { type: 'tool_use', id: 'a', name: 'list', input: {} }),
        block(1, { type: 'tool_use', id: 'b', name: 'shell', input: {} }),
        grow(1, { type: 'input_json_delta', partial_json: '{"command": ' }),
        stop('tool_use'),
        end,
      ),
    )
    expect((await collect(anthropic, request(model, [user('hello')]))).at(-1)).toMatchObject({
      content: [
        { type: 'tool-call', call: 'a', arguments: {} },
        { type: 'tool-call', call: 'b', arguments: {}, malformed: '{"command": ' },
      ],
    })
  })

  test('a refusal without an answer is failed{refused}, with what the provider says', async () => {
    const refusal = {
      type: 'message_delta',
      delta: { stop_reason: 'refusal', stop_details: { type: 'refusal', category: 'cyber', explanation: 'not that' } },
      usage: { output_tokens: 0 },
    }
    const { anthropic } = given(sse(start, refusal, end))
    expect(await collect(anthropic, request(model, [user('hello')]))).toMatchObject([
      { type: 'failed', code: 'refused', message: expect.stringContaining('not that') },
    ])
  })

  test('an error in the middle of the stream keeps its meaning', async () => {
    const { anthropic } = given(
      sse(start, block(0, { type: 'text', text: '' }), grow(0, { type: 'text_delta', text: 'hi' }), {
        type: 'error',
        error: { type: 'overloaded_error', message: 'Overloaded' },
      }),
    )
    expect(await collect(anthropic, request(model, [user('hello')]))).toMatchObject([
      { type: 'delta' },
      { type: 'failed', code: 'overloaded' },
    ])
  })

  test('a stream without its last event is failed{network}', async () => {
    const { anthropic } = given(sse(start, block(0, { type: 'text', text: 'hi' })))
    expect((await collect(anthropic, request(model, [user('hello')]))).at(-1)).toMatchObject({
      type: 'failed',
      code: 'network',
    })
  })

  test('retry-after-ms and a date of Retry-After are honoured', async () => {
    const error = { type: 'error', error: { type: 'rate_limit_error', message: 'slow' } }
    const { anthropic } = given(
      json(429, error, { 'retry-after-ms': '1500' }),
      json(429, error, { date: 'Fri, 20 Nov 2026 06:00:00 GMT', 'retry-after': 'Fri, 20 Nov 2026 06:00:30 GMT' }),
    )
    expect(await collect(anthropic, request(model, [user('a')]))).toMatchObject([
      { code: 'rate-limited', retryAfterMs: 1_500 },
    ])
    expect(await collect(anthropic, request(model, [user('b')]))).toMatchObject([
      { code: 'rate-limited', retryAfterMs: 30_000 },
    ])
  })
})

describe('writing', () => {
  test('cache breakpoints stand on the system, the last tool and the last block; the schema is whole', async () => {
    const { anthropic, transport } = given(plain)
    await collect(anthropic, request(model, [user('hello')]))
    expect(transport.sent[0]?.url).toBe('http://model.test/v1/messages')
    expect(transport.sent[0]?.body).toEqual({
      model,
      max_tokens: 4_096,
      stream: true,
      system: [{ type: 'text', text: 'You help.', cache_control: { type: 'ephemeral' } }],
      tools: [
        {
          name: 'shell',
          description: 'Runs a command.',
          input_schema: shellTool.parameters,
          cache_control: { type: 'ephemeral' },
        },
      ],
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hello', cache_control: { type: 'ephemeral' } }] }],
    })
  })

  test('results of one answer are one message; reasoning goes back to its model only; consecutive user messages merge', async () => {
    const { anthropic, transport } = given(plain)
    const history: ModelMessage[] = [
      user('one'),
      user('two'),
      {
        role: 'assistant',
        model: `anthropic/${model}`,
        content: [
          { type: 'reasoning', text: 'hm', opaque: 'sig' },
          { type: 'reasoning', text: '', opaque: 'redacted:xyz' },
          { type: 'tool-call', call: 'c1', providerCall: 'toolu_1', name: 'shell', arguments: { command: 'ls' } },
          { type: 'tool-call', call: 'c2', name: 'shell', arguments: {} },
        ],
      },
      { role: 'tool', call: 'c1', name: 'shell', output: 'a', error: false },
      { role: 'tool', call: 'c2', name: 'shell', output: '', error: true },
    ]
    const turns = (reasoning: readonly unknown[], id: string) => [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'one' },
          { type: 'text', text: 'two', cache_control: { type: 'ephemeral' } },
        ],
      },
      {
        role: 'assistant',
        content: [
          ...reasoning,
          { type: 'tool_use', id, name: 'shell', input: { command: 'ls' } },
          { type: 'tool_use', id: 'c2', name: 'shell', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: id, content: 'a' },
          {
            type: 'tool_result',
            tool_use_id: 'c2',
            content: '(no output)',
            is_error: true,
            cache_control: { type: 'ephemeral' },
          },
        ],
      },
    ]
    await collect(anthropic, request(model, history))
    expect(transport.sent[0]?.body.messages).toEqual(
      turns(
        [
          { type: 'thinking', thinking: 'hm', signature: 'sig' },
          { type: 'redacted_thinking', data: 'xyz' },
        ],
        'toolu_1',
      ),
    )
    await collect(anthropic, request('claude-opus-4-1', history))
    expect(transport.sent[1]?.body.messages).toEqual(turns([], 'toolu_1'))
  })

  test('a notice stands behind the last breakpoint, and what is above it keeps its bytes', async () => {
    const { anthropic, transport } = given(plain)
    const history: ModelMessage[] = [
      { role: 'user', content: [{ type: 'text', text: 'Go.' }] },
      {
        role: 'assistant',
        model: 'anthropic/m',
        content: [{ type: 'tool-call', call: 'c1', name: 'shell', arguments: {} }],
      },
      { role: 'tool', call: 'c1', name: 'shell', output: 'a', error: false },
    ]
    await collect(anthropic, request('m', history, { notices: ['[Plan: 1/2 done.]'] }))
    const messages = transport.sent[0]?.body.messages as readonly unknown[]
    expect(messages.at(-1)).toEqual({
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'c1', content: 'a', cache_control: { type: 'ephemeral' } },
        { type: 'text', text: '[Plan: 1/2 done.]' },
      ],
    })
  })

  test.each([
    [
      'claude-sonnet-5-5',
      4_096,
      { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'high' } },
    ],
    [
      'claude-opus-4-6',
      4_096,
      { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'high' } },
    ],
    ['claude-sonnet-4-20250514', 64_000, { thinking: { type: 'enabled', budget_tokens: 24_576 } }],
    ['claude-3-7-sonnet-20250219', 4_096, { thinking: { type: 'enabled', budget_tokens: 3_072 } }],
    ['claude-haiku-4-5', 1_000, {}],
    ['claude-3-5-haiku-20241022', 8_192, {}],
    ['some-gateway-model', 8_192, {}],
  ])('reasoning_effort for %s with max_tokens %i', async (name, maxTokens, expected) => {
    const { anthropic, transport } = given(plain)
    await collect(anthropic, request(name, [user('hello')], { reasoningEffort: 'high', maxTokens }))
    const { thinking, output_config } = transport.sent[0]?.body ?? {}
    expect({ ...(thinking ? { thinking } : {}), ...(output_config ? { output_config } : {}) }).toEqual(expected)
  })

  test('a budget is not asked for in the middle of a turn that began without thinking', async () => {
    const { anthropic, transport } = given(plain)
    const begun: ModelMessage[] = [
      user('one'),
      {
        role: 'assistant',
        model: 'openai/gpt-5',
        content: [{ type: 'tool-call', call: 'c1', name: 'shell', arguments: {} }],
      },
      { role: 'tool', call: 'c1', name: 'shell', output: 'a', error: false },
    ]
    await collect(anthropic, request(model, begun, { reasoningEffort: 'high' }))
    expect(transport.sent[0]?.body).not.toHaveProperty('thinking')
  })

  test('where tools are withheld, those of the conversation are declared, and none may be called', async () => {
    const { anthropic, transport } = given(plain)
    const begun: ModelMessage[] = [
      user('one'),
      {
        role: 'assistant',
        model: `anthropic/${model}`,
        content: [{ type: 'tool-call', call: 'c1', name: 'shell', arguments: {} }],
      },
      { role: 'tool', call: 'c1', name: 'shell', output: 'a', error: false },
    ]
    await collect(anthropic, request(model, begun, { tools: [] }))
    expect(transport.sent[0]?.body).toMatchObject({
      tools: [{ name: 'shell', input_schema: { type: 'object' } }],
      tool_choice: { type: 'none' },
    })
    await collect(anthropic, request(model, [user('one')], { tools: [] }))
    expect(transport.sent[1]?.body).not.toHaveProperty('tools')
    expect(transport.sent[1]?.body).not.toHaveProperty('tool_choice')
  })
})
