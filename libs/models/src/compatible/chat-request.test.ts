import type { AssistantBlock, ModelMessage } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { collect, contentOf, request, shellTool, user } from '../../test/contract.ts'
import { type Answered, fakeTransport, json, sse } from '../../test/fake-transport.ts'
import { createOpenAiCompatible } from './compatible.ts'

function given(...answers: readonly (() => Answered)[]) {
  const transport = fakeTransport(...answers)
  const lab = createOpenAiCompatible({ name: 'lab', baseUrl: 'http://model.test/v1', contextWindow: 32_000, transport })
  return { transport, lab }
}
const chunk = (delta: unknown, finish: unknown = null) => ({ choices: [{ index: 0, delta, finish_reason: finish }] })
const ok = sse(chunk({ content: 'ok' }, 'stop'))
const from = (model: string, ...content: AssistantBlock[]): ModelMessage => ({ role: 'assistant', model, content })
const result = (call: string, output: string): ModelMessage => ({
  role: 'tool',
  call,
  name: 'shell',
  output,
  error: false,
})
const called = (more: Partial<Extract<AssistantBlock, { type: 'tool-call' }>> = {}): AssistantBlock => ({
  ...{ type: 'tool-call', call: 'c1', providerCall: 'x1', name: 'shell', arguments: { command: 'ls' } },
  ...more,
})

interface SentMessage {
  readonly role: string
  readonly content: unknown
  readonly reasoning_content?: string
  readonly tool_calls?: readonly Record<string, unknown>[]
}
const messagesOf = (transport: ReturnType<typeof fakeTransport>, at = -1): readonly SentMessage[] =>
  transport.sent.at(at)?.body.messages as readonly SentMessage[]

describe('what a provider wants back goes to the model that made it, and to no other', () => {
  const first = sse(
    chunk({ reasoning_content: 'let me ' }),
    chunk({ reasoning_content: 'look' }),
    chunk(
      {
        tool_calls: [
          {
            index: 0,
            id: 'x1',
            function: { name: 'shell', arguments: '{"command":"ls"}' },
            extra_content: { google: { thought_signature: 's' } },
          },
        ],
      },
      'tool_calls',
    ),
  )

  test('reasoning and signatures of a call', async () => {
    const { lab, transport } = given(first, ok)
    const content = contentOf(await collect(lab, request('m', [user('go')])))
    const calls = content.map((block) => (block.type === 'tool-call' ? { ...block, call: 'c1' } : block))
    const messages = (model: string) => [user('go'), from(model, ...calls), result('c1', 'a.txt')]
    await collect(lab, request('m', messages('lab/m')))
    expect(messagesOf(transport)[2]).toEqual({
      role: 'assistant',
      content: null,
      reasoning_content: 'let me look',
      tool_calls: [
        {
          id: 'x1',
          type: 'function',
          function: { name: 'shell', arguments: '{"command":"ls"}' },
          extra_content: { google: { thought_signature: 's' } },
        },
      ],
    })
    for (const [model, asked] of [
      ['lab/m', 'm2'],
      ['other/m', 'm'],
    ] as const) {
      await collect(lab, request(asked, messages(model)))
      expect(transport.sent.at(-1)?.text).not.toMatch(/let me look|thought_signature/)
    }
  })

  test('a model that refuses reasoning gets none from then on; one that insists gets it with every answer', async () => {
    const refuses = given(json(400, { error: { message: "Unsupported field 'messages.2.reasoning_content'" } }), ok)
    const reasoned = from(
      'lab/m',
      { type: 'reasoning', text: 'hm', provided: { model: 'lab/m', data: { field: 'reasoning_content' } } },
      called(),
    )
    const messages = [user('go'), reasoned, result('c1', 'a')]
    await collect(refuses.lab, request('m', messages))
    await collect(refuses.lab, request('m', messages))
    expect(refuses.transport.sent.map(({ text }) => text.includes('reasoning_content'))).toEqual([true, false, false])

    const insists = given(
      json(400, {
        error: {
          message: 'thinking is enabled but reasoning_content is missing in assistant tool call message at index 2',
        },
      }),
      ok,
    )
    await collect(insists.lab, request('m', [user('go'), from('lab/m', called()), result('c1', 'a')]))
    expect(messagesOf(insists.transport)[2]).toMatchObject({ reasoning_content: '' })
  })
})

describe('what goes out is valid, whatever came in', () => {
  test('names, halves of characters, empty texts, and the order of results', async () => {
    const { lab, transport } = given(ok)
    await collect(
      lab,
      request('m', [
        user('  '),
        from(
          'lab/m',
          { type: 'text', text: 'a\ud83d' },
          called({ name: 'functions.read<|file', arguments: { path: '\ude00 \\ud83d' } }),
          called({ call: 'c2', providerCall: 'x1', name: '' }),
        ),
        result('c2', ''),
        result('c1', 'half \ud83d'),
      ]),
    )
    expect(transport.sent[0]?.text).not.toMatch(/(?<!\\)\\ud[89a-f]/)
    expect(messagesOf(transport).slice(1)).toEqual([
      { role: 'user', content: '(empty message)' },
      {
        role: 'assistant',
        content: 'a\ufffd',
        tool_calls: [
          {
            id: 'x1',
            type: 'function',
            function: { name: 'functions_read_file', arguments: '{"path":"\ufffd \\\\ud83d"}' },
          },
          { id: 'c2', type: 'function', function: { name: 'unknown', arguments: '{"command":"ls"}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'x1', content: 'half \ufffd' },
      { role: 'tool', tool_call_id: 'c2', content: '(no output)' },
    ])
  })

  test('a system prompt of blanks is left out', async () => {
    const { lab, transport } = given(ok)
    await collect(lab, request('m', [user('a')], { system: ' \n' }))
    expect(messagesOf(transport).map(({ role }) => role)).toEqual(['user'])
  })

  test('a final answer is asked for with the tools declared and none to be called', async () => {
    const { lab, transport } = given(json(400, { error: { message: 'tool_choice is not supported' } }), ok)
    await collect(lab, request('m', [user('a')], { toolChoice: 'none' }))
    expect(transport.sent.map(({ body }) => [body.tool_choice, (body.tools as unknown[]).length])).toEqual([
      ['none', 1],
      [undefined, 1],
    ])
  })
})

describe('what is learnt is remembered for the model', () => {
  test.each([
    [
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      { max_completion_tokens: 4_096, max_tokens: undefined },
    ],
    ['`max_tokens` must be less than or equal to `1024`', { max_tokens: 1_024 }],
    ['Unrecognized request argument supplied: stream_options', { stream_options: undefined }],
  ])('%s', async (message, expected) => {
    const { lab, transport } = given(json(400, { error: { message } }), ok)
    expect((await collect(lab, request('m', [user('a')]))).at(-1)).toMatchObject({ type: 'completed' })
    await collect(lab, request('m', [user('b')]))
    await collect(lab, request('other', [user('c')]))
    for (const at of [1, 2]) expect(transport.sent[at]?.body).toMatchObject(JSON.parse(JSON.stringify(expected)))
    for (const [name, value] of Object.entries(expected))
      if (value === undefined) for (const at of [1, 2]) expect(transport.sent[at]?.body).not.toHaveProperty(name)
    expect(transport.sent[3]?.body).toMatchObject({ max_tokens: 4_096, stream_options: { include_usage: true } })
  })

  test('a system becomes the first words of the user, and turns alternate', async () => {
    const { lab, transport } = given(
      json(400, { error: { message: 'System role not supported' } }),
      json(400, { error: { message: 'Conversation roles must alternate user/assistant/user/assistant/...' } }),
      ok,
    )
    await collect(lab, request('m', [user('a'), user('b')]))
    expect(messagesOf(transport)).toEqual([{ role: 'user', content: 'You help.\na\nb' }])
  })

  test('schemas are told in the words that all know', async () => {
    const { lab, transport } = given(
      json(400, { error: { message: 'Unknown name "additionalProperties" at tools[0].function.parameters' } }),
      ok,
    )
    await collect(lab, request('m', [user('a')], { tools: [shellTool] }))
    expect(transport.sent[1]?.text).toContain('"command":{"type":"string"}')
    expect(transport.sent[1]?.text).not.toContain('additionalProperties')
  })

  test('a server that refuses for ever is asked a bounded number of times', async () => {
    const { lab, transport } = given(
      json(400, {
        error: {
          message: 'max_completion_tokens stream_options tool_choice reasoning content is null must alternate strict',
        },
      }),
    )
    const messages = [user('go'), from('lab/m', called()), result('c1', 'a')]
    const events = await collect(lab, request('m', messages, { toolChoice: 'none', reasoningEffort: 'low' }))
    expect(events).toMatchObject([{ type: 'failed', code: 'bad-request' }])
    expect(transport.sent.length).toBeLessThan(12)
    expect(new Set(transport.sent.map(({ text }) => text)).size).toBe(transport.sent.length)
  })
})
