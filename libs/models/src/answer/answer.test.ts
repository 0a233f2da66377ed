// An answer has a largest size: whoever streams on and on is cut off, and the process that reads it lives.
import { expect, test } from 'vitest'
import { collect, request, user } from '../../test/contract.ts'
import { type Answered, bytes, fakeTransport } from '../../test/fake-transport.ts'
import { createOpenAiCompatible } from '../compatible/compatible.ts'

const words = 'word '.repeat(20_000)
const part = (delta: unknown): Uint8Array =>
  bytes(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`)

function labOf(first: unknown, next: unknown) {
  const again = part(next)
  const answered = (): Answered => ({
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    // A tenth of this would be enough.
    parts: [part(first), ...Array.from({ length: 1_000 }, () => again)],
    end: 'open',
  })
  const transport = fakeTransport(answered)
  return {
    transport,
    lab: createOpenAiCompatible({ name: 'lab', baseUrl: 'http://lab.test/v1', contextWindow: 32_000, transport }),
  }
}

const call = (id: string | undefined, text: string) => ({
  tool_calls: [{ index: 0, id, function: { name: id && 'shell', arguments: text } }],
})

test.each([
  ['a text', {}, { content: words }],
  ['a thought', {}, { reasoning_content: words }],
  ['the arguments of a call', call('c', '{"command":"'), call(undefined, words)],
  ['a call with its name in each piece', call('c', '{"command":"'), call('c', words)],
])('%s without an end is cut off, is not asked for again, and says so', async (_what, first, next) => {
  for (const [maxTokens, says] of [
    [4_096, /(answer|thought).* on beyond (131,072|1,114,112) characters.*\(max_tokens 4096\)/],
    [1_000_000, /beyond 8 million characters.*max_tokens/],
  ] as const) {
    const { lab, transport } = labOf(first, next)
    expect((await collect(lab, request('m', [user('tell me all')], { maxTokens }))).at(-1)).toMatchObject({
      type: 'failed',
      code: 'bad-request',
      message: expect.stringMatching(says),
    })
    expect(transport.sent).toHaveLength(1)
  }
})

test('a model that takes no limit may say more than the limit', async () => {
  const refusal = { error: { message: "Unsupported parameter: 'max_tokens'", type: 'invalid_request_error' } }
  const said: Answered[] = [
    { status: 400, headers: { 'content-type': 'application/json' }, parts: [bytes(JSON.stringify(refusal))] },
    {
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      parts: [part({ content: words }), part({ content: words }), bytes('data: [DONE]\n\n')],
    },
  ]
  const transport = fakeTransport(() => said.shift() as Answered)
  const lab = createOpenAiCompatible({ name: 'lab', baseUrl: 'http://lab.test/v1', contextWindow: 32_000, transport })
  const events = await collect(lab, request('m', [user('tell me all')]))
  expect(events.at(-1)).toMatchObject({ type: 'completed' })
})

test.each([
  ['the arguments of no call', call(undefined, words)],
  ['reasoning that cannot be read', { reasoning_details: [{ type: 'reasoning.encrypted', data: words }] }],
  ['what no schema knows', { mystery: words }],
])('%s without an end is cut off, though nothing of it is an answer', async (_what, next) => {
  const { lab, transport } = labOf({}, next)
  expect((await collect(lab, request('m', [user('tell me all')]))).at(-1)).toMatchObject({
    type: 'failed',
    code: 'bad-request',
    message: expect.stringMatching(/more than 72 MB.*max_tokens/),
  })
  expect(transport.sent).toHaveLength(1)
})

test('calls without an end are cut off', async () => {
  let count = 0
  const next = () =>
    part({ tool_calls: [{ index: count, id: `c${count++}`, function: { name: 'shell', arguments: '{}' } }] })
  const transport = fakeTransport(() => ({
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    parts: Array.from({ length: 3_000 }, next),
    end: 'open',
  }))
  const lab = createOpenAiCompatible({ name: 'lab', baseUrl: 'http://lab.test/v1', contextWindow: 32_000, transport })
  expect((await collect(lab, request('m', [user('call all')]))).at(-1)).toMatchObject({ code: 'bad-request' })
})
