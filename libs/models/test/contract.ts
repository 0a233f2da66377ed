// What every adapter promises (libs/contracts/src/model.ts), as cases over any of them. A prompt is a command of the scripted
// model; other servers are taught to answer the same.
import type { AssistantBlock, ModelEvent, ModelMessage, ModelProvider, ModelRequest, ToolSpec } from '@reins/contracts'
import { expect, test } from 'vitest'

export const shellTool: ToolSpec = {
  name: 'shell',
  description: 'Runs a command.',
  parameters: {
    type: 'object',
    properties: { command: { type: 'string' } },
    required: ['command'],
    additionalProperties: false,
  },
}

export function user(text: string): ModelMessage {
  return { role: 'user', content: [{ type: 'text', text }] }
}

export function request(
  model: string,
  messages: readonly ModelMessage[],
  more: Partial<ModelRequest> = {},
): ModelRequest {
  return {
    model,
    system: 'You help.',
    messages,
    tools: [shellTool],
    maxTokens: 4_096,
    stream: true,
    cacheKey: 'session-1',
    ...more,
  }
}

export async function collect(
  provider: ModelProvider,
  asked: ModelRequest,
  signal = new AbortController().signal,
): Promise<ModelEvent[]> {
  const events: ModelEvent[] = []
  for await (const event of provider.stream(asked, signal)) events.push(event)
  return events
}

/** The text that the deltas of one block tell. */
export function told(events: readonly ModelEvent[], block: number): string {
  return events.map((event) => (event.type === 'delta' && event.block === block ? event.text : '')).join('')
}

export function contentOf(events: readonly ModelEvent[]): readonly AssistantBlock[] {
  const last = events.at(-1)
  return last?.type === 'completed' ? last.content : []
}

/** Without reasoning that has nothing to read: providers may put some before anything. */
function visible(events: readonly ModelEvent[]): readonly AssistantBlock[] {
  return contentOf(events).filter((block) => block.type !== 'reasoning' || block.text !== '')
}

/** The content is what the deltas told, each block under its index, and there is one outcome, at the end. */
export function expectWhole(events: readonly ModelEvent[]): void {
  expect(events.slice(0, -1).every((event) => event.type === 'delta')).toBe(true)
  expect(events.at(-1)).toMatchObject({ type: 'completed' })
  for (const [index, block] of contentOf(events).entries()) {
    const text = told(events, index)
    if (block.type === 'tool-call') expect(JSON.parse(text)).toEqual(block.arguments)
    else expect(text).toBe(block.text)
  }
}

export const reply = { text: 'hello brave new world', thought: 'let me see', afterThought: 'it is done' } as const

export const prompts = {
  text: `say ${reply.text}`,
  think: `think ${reply.thought} | ${reply.afterThought}`,
  tool: '!shell ls -la',
  parallel: '!shell ls & !shell pwd',
  limited: 'fail rate-limited retry 2000',
  overloaded: 'fail overloaded',
  tooLong: 'fail context-overflow',
  auth: 'fail auth',
  cut: 'fail network after 3',
} as const

export interface Adapter {
  readonly provider: ModelProvider
  readonly model: string
}

/** `adapter` is asked in each case: the server behind it may start in a hook. */
export function modelContract(adapter: () => Adapter): void {
  const ask = (prompt: string, more: Partial<ModelRequest> = {}): Promise<ModelEvent[]> => {
    const { provider, model } = adapter()
    return collect(provider, request(model, [user(prompt)], more))
  }

  test('a plain answer streams in several deltas and completes with stop and usage', async () => {
    const events = await ask(prompts.text)
    expectWhole(events)
    expect(visible(events)).toEqual([{ type: 'text', text: reply.text }])
    expect(events.length).toBeGreaterThan(2)
    expect(events.at(-1)).toMatchObject({
      finish: 'stop',
      usage: { inputTokens: expect.any(Number), outputTokens: expect.any(Number) },
    })
  })

  test('a whole answer (stream: false) gives the same events, with one delta a block', async () => {
    const events = await ask(prompts.text, { stream: false })
    expectWhole(events)
    expect(events).toHaveLength(2)
    expect(visible(events)).toEqual([{ type: 'text', text: reply.text }])
  })

  test('reasoning is a block of its own, before the text', async () => {
    const events = await ask(prompts.think)
    expectWhole(events)
    expect(visible(events)).toMatchObject([
      { type: 'reasoning', text: reply.thought },
      { type: 'text', text: reply.afterThought },
    ])
  })

  for (const stream of [true, false]) {
    test(`a tool call has its arguments, its id and its name on every delta (stream: ${stream})`, async () => {
      const events = await ask(prompts.tool, { stream })
      expectWhole(events)
      const [call] = visible(events)
      expect(call).toMatchObject({ type: 'tool-call', name: 'shell', arguments: { command: 'ls -la' } })
      expect(call?.type === 'tool-call' && call.call === call.providerCall && call.call !== '').toBe(true)
      for (const event of events.slice(0, -1))
        expect(event).toMatchObject({ kind: 'arguments', name: 'shell', call: expect.any(String) })
      expect(events.at(-1)).toMatchObject({ finish: 'tool-calls' })
    })
  }

  test('tools called together are blocks in one answer, with different ids', async () => {
    const events = await ask(prompts.parallel)
    expectWhole(events)
    const calls = contentOf(events).filter((block) => block.type === 'tool-call')
    expect(calls.map((call) => call.arguments)).toEqual([{ command: 'ls' }, { command: 'pwd' }])
    expect(new Set(calls.map((call) => call.call)).size).toBe(2)
  })

  test('results of tools go back with their calls, under ids of the session', async () => {
    const { provider, model } = adapter()
    const calls = contentOf(await ask(prompts.parallel)).flatMap((block, at) =>
      block.type === 'tool-call' ? [{ ...block, call: `reins:${at}` }] : [],
    )
    const results = calls.map(
      ({ call, name }): ModelMessage => ({ role: 'tool', call, name, output: `out of ${call}`, error: false }),
    )
    const answered: ModelMessage = { role: 'assistant', content: calls, model: `${provider.name}/${model}` }
    const events = await collect(provider, request(model, [user(prompts.parallel), answered, ...results]))
    expectWhole(events)
    expect(events.at(-1)).toMatchObject({ finish: 'stop' })
  })

  test('429 is rate-limited, and says how long to wait', async () => {
    const events = await ask(prompts.limited)
    expect(events).toEqual([{ type: 'failed', code: 'rate-limited', message: expect.any(String), retryAfterMs: 2_000 }])
  })

  test('the codes of failures', async () => {
    expect(await ask(prompts.overloaded)).toMatchObject([{ type: 'failed', code: 'overloaded' }])
    expect(await ask(prompts.tooLong)).toMatchObject([{ type: 'failed', code: 'context-overflow' }])
    expect(await ask(prompts.auth)).toMatchObject([{ type: 'failed', code: 'auth' }])
  })

  test('an answer that breaks off is failed{network}, after what had arrived', async () => {
    const events = await ask(prompts.cut)
    expect(events.at(-1)).toMatchObject({ type: 'failed', code: 'network' })
    expect(events.length).toBeGreaterThan(1)
    expect(events.slice(0, -1).every((event) => event.type === 'delta')).toBe(true)
  })

  test('an abort ends the iteration with failed{network}, before and in the middle of an answer', async () => {
    const { provider, model } = adapter()
    const before = await collect(provider, request(model, [user(prompts.text)]), AbortSignal.abort())
    expect(before).toMatchObject([{ type: 'failed', code: 'network' }])

    const abort = new AbortController()
    const events: ModelEvent[] = []
    for await (const event of provider.stream(request(model, [user(prompts.text)]), abort.signal)) {
      events.push(event)
      abort.abort()
    }
    expect(events.at(-1)).toMatchObject({ type: 'failed', code: 'network' })
    expect(events.filter((event) => event.type !== 'delta')).toHaveLength(1)
  })
}
