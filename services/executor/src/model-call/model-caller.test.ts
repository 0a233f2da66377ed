import { type Prompt, promptDigests } from '@reins/context'
import type { Delta, ModelEvent, ModelProvider } from '@reins/contracts'
import { createRedactor } from '@reins/secrets'
import { expect, test } from 'vitest'
import { type CallOutcome, callModel } from './model-caller.ts'

const settings = { system: 'x', tools: [], maxTokens: 100, stream: true }
const sent = { system: 'x', tools: [], messages: [], notices: [] }
const prompt: Prompt = {
  ...{ settings, final: false, ...sent },
  recipe: { ...promptDigests(sent), messages: 0, fixed: 1, tokens: 1, window: 10_000, answer: 100 },
}
const attempt = { session: 's', call: 'c1', attempt: 1, load: async () => undefined }
const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }

/** What a model that says these events becomes, where `9sesame` is a secret. */
async function called(
  events: readonly ModelEvent[],
  asked: Prompt = prompt,
): Promise<{ deltas: readonly Delta[]; outcome: CallOutcome }> {
  const provider: ModelProvider = {
    name: 'fake',
    contextWindow: () => 10_000,
    async *stream() {
      yield* events
    },
  }
  const deltas: Delta[] = []
  const signal = new AbortController().signal
  const redactor = createRedactor(['9sesame'], 'literal')
  const prepared = { kind: 'ready' as const, provider, model: 'one', prompt: asked }
  const outcome = await callModel({ ...attempt, prepared }, (delta) => deltas.push(delta), signal, redactor)
  return { deltas, outcome }
}

const text = (piece: string): ModelEvent => ({ type: 'delta', block: 0, kind: 'text', text: piece })
const said = (deltas: readonly Delta[]): string => deltas.map((delta) => delta.text).join('')

test('an answer that ends as a secret begins is shown to its end', async () => {
  const { deltas } = await called([
    text('tok3'),
    text('9'),
    { type: 'completed', content: [{ type: 'text', text: 'tok39' }], usage, finish: 'stop' },
  ])
  expect(deltas.map(({ offset, text: piece }) => [offset, piece])).toEqual([
    [0, 'tok3'],
    [4, '9'],
  ])
})

test('a secret is shown neither as the name of a tool nor as the id of a call', async () => {
  const call = { type: 'delta', block: 1, kind: 'arguments', name: 'get_9sesame', call: 'call_9sesame' } as const
  const block = {
    type: 'tool-call',
    call: '',
    name: 'get_9sesame',
    providerCall: 'call_9sesame',
    arguments: {},
  } as const
  const { deltas, outcome } = await called([
    { ...call, text: '{"a":' },
    { ...call, text: '"9sesame"}' },
    { type: 'completed', content: [block], usage, finish: 'tool-calls' },
  ])
  expect(deltas.map(({ tool, toolCall }) => [tool, toolCall])).toEqual([
    ['get_[redacted]', 'call_[redacted]'],
    ['get_[redacted]', 'call_[redacted]'],
  ])
  expect(JSON.stringify([deltas, outcome])).not.toContain('9sesame')
})

test('a secret that comes in pieces is never shown', async () => {
  const { deltas, outcome } = await called([
    text('it is 9ses'),
    text('ame'),
    { type: 'completed', content: [{ type: 'text', text: 'it is 9sesame' }], usage, finish: 'stop' },
  ])
  expect(said(deltas)).not.toContain('9ses')
  expect(JSON.stringify(outcome)).not.toContain('9sesame')
})

test('a secret in the words of an error is masked', async () => {
  const { outcome } = await called([{ type: 'failed', code: 'auth', message: 'The key 9sesame is not valid.' }])
  expect(outcome).toMatchObject({ failure: { code: 'auth', message: 'The key [redacted] is not valid.' } })
})

test('a final answer that only calls tools is no answer: the call fails, and says why', async () => {
  const call = { type: 'tool-call', call: 'x', name: 'grep', arguments: {} } as const
  const said = { type: 'completed', content: [call], usage, finish: 'tool-calls' } as const
  expect((await called([said])).outcome).toMatchObject({ kind: 'completed' })
  expect((await called([said], { ...prompt, final: true })).outcome).toMatchObject({
    kind: 'failed',
    failure: { code: 'bad-request', retries: 1, message: expect.stringContaining('max_tool_calls') },
  })
  const spoken = { ...said, content: [{ type: 'text', text: 'done' } as const, call] }
  expect((await called([spoken], { ...prompt, final: true })).outcome).toMatchObject({ kind: 'completed' })
})

test('a call that fails keeps all that it has shown', async () => {
  const { deltas, outcome } = await called([
    text('tok3'),
    text('9'),
    { type: 'failed', code: 'network', message: 'cut' },
  ])
  expect(said(deltas)).toBe('tok39')
  expect(outcome).toMatchObject({ kind: 'failed', partial: 'tok39' })
})

test('what nothing can be sent for is a failed call that says why, and no model is asked', async () => {
  const failure = { type: 'failed', code: 'bad-request', message: 'tools[0] has 2 names' } as const
  const { signal } = new AbortController()
  const asked = { ...attempt, prepared: { kind: 'impossible' as const, failure } }
  expect(await callModel(asked, () => {}, signal, createRedactor([]))).toEqual({ kind: 'failed', failure, partial: '' })
})

test('of a long answer that breaks off, its event keeps a part that can be recorded', async () => {
  const pieces = Array.from({ length: 30 }, () => text('word '.repeat(2_000)))
  const { deltas, outcome } = await called([...pieces, { type: 'failed', code: 'network', message: 'It broke off.' }])
  expect(said(deltas)).toHaveLength(300_000)
  expect(outcome).toMatchObject({ kind: 'failed', partial: 'word '.repeat(20_000) })
})

test('names of what a model sent and nobody understands come with its answer, and not into the log of the session', async () => {
  const { outcome } = await called([
    { type: 'completed', content: [{ type: 'text', text: 'hi' }], usage, finish: 'stop', ignored: ['delta.mood'] },
  ])
  expect(outcome).toMatchObject({ kind: 'completed', ignored: ['delta.mood'] })
  expect(JSON.stringify(outcome.kind === 'completed' && outcome.event)).not.toContain('mood')
})
