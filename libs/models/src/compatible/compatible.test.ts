import { expect, test } from 'vitest'
import { collect, request, shellTool, user } from '../../test/contract.ts'
import { type Answered, fakeTransport, json, sse } from '../../test/fake-transport.ts'
import { createOpenAiCompatible } from './compatible.ts'

function given(...answers: readonly (() => Answered)[]) {
  const transport = fakeTransport(...answers)
  return {
    transport,
    lab: createOpenAiCompatible({ name: 'lab', baseUrl: 'http://model.test/v1', contextWindow: 32_000, transport }),
  }
}

const chunk = (delta: unknown, finish_reason: string | null = null) => ({
  id: 'c1',
  model: 'm',
  choices: [{ index: 0, delta, finish_reason }],
})

test('reasoning under both of its names, calls without an index or an id, and "stop" after a call are understood', async () => {
  const { lab } = given(
    sse(
      chunk({ reasoning: 'h' }),
      chunk({ reasoning_content: 'm' }),
      chunk({ content: 'ok' }),
      chunk({
        tool_calls: [
          { id: 'a', function: { name: 'shell', arguments: '{"command":"ls"}' } },
          { id: 'b', function: { name: 'shell', arguments: '{"command":"pwd"}' } },
        ],
      }),
      chunk({ tool_calls: [{ index: 7, function: { name: 'list', arguments: '' } }] }),
      chunk({}, 'stop'),
      { choices: [], usage: { prompt_tokens: 9, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 3 } } },
      '[DONE]',
    ),
  )
  expect((await collect(lab, request('m', [user('hello')]))).at(-1)).toMatchObject({
    content: [
      { type: 'reasoning', text: 'hm' },
      { type: 'text', text: 'ok' },
      { type: 'tool-call', call: 'a', arguments: { command: 'ls' } },
      { type: 'tool-call', call: 'b', arguments: { command: 'pwd' } },
      { type: 'tool-call', call: 'call_4', name: 'list', arguments: {} },
    ],
    finish: 'tool-calls',
    usage: { inputTokens: 9, outputTokens: 4, cacheReadTokens: 3 },
  })
})

test('an answer ends with [DONE] or with a finish reason; an end of the connection alone has cut it', async () => {
  const { lab } = given(sse(chunk({ content: 'ok' }), '[DONE]'), sse(chunk({ content: 'ok' })))
  expect(await collect(lab, request('m', [user('hello')]))).toMatchObject([
    { type: 'delta' },
    { type: 'completed', finish: 'stop', content: [{ type: 'text', text: 'ok' }] },
  ])
  expect(await collect(lab, request('m', [user('hello')]))).toMatchObject([
    { type: 'delta' },
    { type: 'failed', code: 'network' },
  ])
})

test('a server that has said of no answer that it is over is asked once more, and may be declared to be so', async () => {
  const unmarked = sse(chunk({ content: 'ok' }))
  const { lab } = given(unmarked, unmarked, sse(chunk({ content: 'ok' }, 'stop')), unmarked)
  const ask = async () => (await collect(lab, request('m', [user('hello')]))).at(-1)
  for (let call = 0; call < 2; call++)
    expect(await ask()).toMatchObject({
      ...{ type: 'failed', code: 'network', retries: 1 },
      message: expect.stringMatching(/finish_reason.*\[DONE\].*give lab "unmarkedEnd": true in REINS_MODEL_PROVIDERS/),
    })
  expect(await ask()).toMatchObject({ type: 'completed' })
  // From now on it is known that it says so.
  expect(await ask()).not.toHaveProperty('retries')

  const options = { name: 'lab', baseUrl: 'http://model.test/v1', contextWindow: 32_000, unmarkedEnd: true }
  const half = sse(chunk({ content: 'ok' }), '{"choices":[')
  const declared = createOpenAiCompatible({ ...options, transport: fakeTransport(unmarked, half) })
  expect(await collect(declared, request('m', [user('hello')]))).toMatchObject([
    { type: 'delta' },
    { type: 'completed', finish: 'stop', content: [{ type: 'text', text: 'ok' }] },
  ])
  expect((await collect(declared, request('m', [user('hello')]))).at(-1)).toMatchObject({
    ...{ type: 'failed', code: 'network' },
    message: expect.stringContaining('cut off'),
  })
})

test('an answer that is over does not wait for its connection', async () => {
  const open = { headers: { 'content-type': 'text/event-stream' }, status: 200, end: 'open' } as const
  const told =
    (...events: readonly unknown[]) =>
    () => ({ ...sse(...events)(), ...open })
  const { lab, transport } = given(
    told(chunk({ content: 'ok' }), chunk({}, 'stop'), '[DONE]'),
    told(chunk({ content: 'ok' }), chunk({}, 'stop')),
  )
  for (let call = 0; call < 2; call++)
    expect((await collect(lab, request('m', [user('hello')]))).at(-1)).toMatchObject({ type: 'completed' })
  expect(transport.left).toBe(2)
})

test('an error inside the stream is read by its number', async () => {
  const { lab } = given(sse(chunk({ content: 'ok' }), { error: { code: 429, message: 'slow down' } }))
  expect((await collect(lab, request('m', [user('hello')]))).at(-1)).toMatchObject({
    type: 'failed',
    code: 'rate-limited',
  })
})

test('a model that refuses reasoning_effort is called without it, then and from then on', async () => {
  const { lab, transport } = given(
    json(400, { error: { message: '"m" does not support thinking' } }),
    sse(chunk({ content: 'ok' }, 'stop')),
  )
  const ask = request('m', [user('hello')], { reasoningEffort: 'high' })
  expect((await collect(lab, ask)).at(-1)).toMatchObject({ type: 'completed' })
  await collect(lab, ask)
  expect(transport.sent.map(({ body }) => body.reasoning_effort)).toEqual(['high', undefined, undefined])
})

test('the request has the system first, the whole schema, and usage asked for', async () => {
  const { lab, transport } = given(sse(chunk({ content: 'ok' }, 'stop')))
  await collect(
    lab,
    request('m', [
      user('one'),
      {
        role: 'assistant',
        model: 'lab/m',
        content: [
          { type: 'reasoning', text: 'hm' },
          { type: 'tool-call', call: 'c1', providerCall: 'x', name: 'shell', arguments: { command: 'ls' } },
        ],
      },
      { role: 'tool', call: 'c1', name: 'shell', output: 'a', error: false },
    ]),
  )
  expect(transport.sent[0]?.body).toEqual({
    model: 'm',
    max_tokens: 4_096,
    stream: true,
    stream_options: { include_usage: true },
    tools: [
      {
        type: 'function',
        function: { name: 'shell', description: 'Runs a command.', parameters: shellTool.parameters },
      },
    ],
    messages: [
      { role: 'system', content: 'You help.' },
      { role: 'user', content: 'one' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'x', type: 'function', function: { name: 'shell', arguments: '{"command":"ls"}' } }],
      },
      { role: 'tool', tool_call_id: 'x', content: 'a' },
    ],
  })
})

test('no server is failed{network}, said with the address', async () => {
  const { lab } = given()
  expect(await collect(lab, request('m', [user('hello')]))).toEqual([
    {
      type: 'failed',
      code: 'network',
      message: 'lab/m: connect ECONNREFUSED. Check that http://model.test/v1 can be reached.',
    },
  ])
})

test('a request names the span of its attempt to the provider, where it has one', async () => {
  const answer = () => sse(chunk({ content: 'ok' }), '[DONE]')
  const { lab, transport } = given(answer(), answer())
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await collect(lab, { ...request('m', [user('hello')]), traceparent })
  await collect(lab, request('m', [user('hello')]))
  expect(transport.sent.map(({ headers }) => headers.get('traceparent'))).toEqual([traceparent, null])
})
