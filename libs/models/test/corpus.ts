// The corpus: what servers send, byte for byte in their shapes, with what it must come to (../corpus/README.md).
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { ModelEvent, ModelMessage, ModelProvider, ModelRequest, ToolSpec } from '@reins/contracts'
import { createAnthropic } from '../src/anthropic/anthropic.ts'
import { createOpenAiCompatible } from '../src/compatible/compatible.ts'
import type { Transport } from '../src/http/transport.ts'
import { createOpenAi } from '../src/openai/openai.ts'
import { contentOf, request, user } from './contract.ts'
import { type Answered, bytes } from './fake-transport.ts'

export interface Expected {
  readonly finish?: string
  readonly code?: string
  readonly text?: string
  readonly reasoning?: string
  readonly calls?: readonly (readonly [name: string, args: Record<string, unknown>])[]
  /** The texts of calls that cannot be read. */
  readonly malformed?: readonly string[]
  readonly opaque?: readonly string[]
  readonly provided?: Record<string, unknown>
  readonly providedCall?: Record<string, unknown>
  /** Of the failure's words. */
  readonly says?: string
  readonly retries?: number
  readonly retryAfterMs?: number
  /** Input, output, and read from the cache. */
  readonly usage?: readonly number[]
  /** How many requests were made. */
  readonly asks?: number
}

export interface Case {
  readonly form: 'chat' | 'messages' | 'responses'
  readonly server: string
  readonly title: string
  readonly expected: Expected
  readonly ask: Partial<ModelRequest>
  readonly answers: readonly Answered[]
}

const root = path.join(import.meta.dirname, '..', 'corpus')
const isForm = (name: string): name is Case['form'] => ['chat', 'messages', 'responses'].includes(name)

export function loadCorpus(): readonly Case[] {
  return readdirSync(root).flatMap((form) => {
    if (!isForm(form)) return []
    return readdirSync(path.join(root, form)).flatMap((file) =>
      readFileSync(path.join(root, form, file), 'utf8')
        .split(/^=== /m)
        .slice(1)
        .map((text) => caseOf(form, path.basename(file, '.http'), text)),
    )
  })
}

function caseOf(form: Case['form'], server: string, text: string): Case {
  const [title = '', expect = '', ...rest] = text.split('\n')
  const ask = rest[0]?.startsWith('ask ') ? rest.shift() : undefined
  return {
    ...{ form, server, title },
    expected: JSON.parse(expect.replace(/^expect /, '')),
    ask: ask === undefined ? {} : JSON.parse(ask.slice(4)),
    answers: rest
      .join('\n')
      .split(/^--- then\n/m)
      .map(answerOf),
  }
}

/** A status and a type, headers, an empty line, the body; `<open>` or `<reset>` in the last line is how the connection ends. */
function answerOf(text: string): Answered {
  const end = /\n<(open|reset)>\s*$/.exec(text)
  const whole = end ? text.slice(0, end.index) : text
  const split = whole.indexOf('\n\n')
  const [first = '', ...lines] = whole.slice(0, split).split('\n')
  const [status, type = ''] = first.split(' ')
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  )
  return {
    status: Number(status),
    headers: { 'content-type': type, ...headers },
    parts: [bytes(whole.slice(split + 2))],
    ...(end ? { end: end[1] === 'open' ? 'open' : 'reset' } : {}),
  }
}

const lineFeed = 10

/** Ways to cut the same bytes; none changes what they say. */
export const cuts: Readonly<Record<string, (whole: Uint8Array) => readonly Uint8Array[]>> = {
  whole: (whole) => [whole],
  'line by line': (whole) => {
    const parts: Uint8Array[] = []
    for (let from = 0; from < whole.length; ) {
      const at = whole.indexOf(lineFeed, from)
      const end = at < 0 ? whole.length : at + 1
      parts.push(whole.subarray(from, end))
      from = end
    }
    return parts
  },
  'byte by byte': (whole) => pieces(whole, 1),
  'in threes': (whole) => pieces(whole, 3),
  'in nineteens': (whole) => pieces(whole, 19),
}

function pieces(whole: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(whole.length / size) }, (_, at) => whole.subarray(at * size, (at + 1) * size))
}

export function providerOf(
  form: Case['form'],
  server: string,
  transport: Transport,
): { provider: ModelProvider; model: string } {
  const common = { apiKey: 'sk-secret-key', baseUrl: 'http://model.test/v1', transport }
  switch (form) {
    case 'messages':
      return { provider: createAnthropic(common), model: 'claude-sonnet-4-5' }
    case 'responses':
      return { provider: createOpenAi(common), model: 'gpt-5.2' }
    case 'chat': {
      const name = server === 'ollama' ? 'ollama' : 'lab'
      return { provider: createOpenAiCompatible({ ...common, name, contextWindow: 32_000 }), model: 'm' }
    }
    default:
      return form satisfies never
  }
}

const tool = (name: string, properties: Record<string, string>): ToolSpec => ({
  name,
  description: name,
  parameters: {
    type: 'object',
    properties: Object.fromEntries(Object.entries(properties).map(([key, type]) => [key, { type }])),
    required: Object.keys(properties).slice(0, 1),
    additionalProperties: false,
  },
})
export const tools = [
  tool('read_file', { path: 'string' }),
  tool('write_file', { path: 'string', content: 'string' }),
  tool('grep', { pattern: 'string' }),
  tool('list', {}),
  tool('search', { text: 'string', deep: 'boolean', count: 'integer', where: 'string' }),
]

/** A conversation that has thought and called a tool before, of the same model. */
export function conversation(provider: string, model: string): readonly ModelMessage[] {
  const thought = { type: 'reasoning', text: 'hm', opaque: '{"type":"reasoning","id":"rs_0"}' } as const
  const args = { path: 'z' }
  const called = {
    type: 'tool-call',
    call: 'c1',
    providerCall: 'call_1_2_3',
    name: 'read_file',
    arguments: args,
  } as const
  return [
    user('hello'),
    user('again'),
    { role: 'assistant', model: `${provider}/${model}`, content: [thought, called] },
    { role: 'tool', call: 'c1', name: 'read_file', output: 'z', error: false },
  ]
}

export function requestOf(
  { form, server, ask }: Pick<Case, 'form' | 'server' | 'ask'>,
  provider: ModelProvider,
  model: string,
): ModelRequest {
  const messages = conversation(provider.name, model)
  return request(model, form === 'chat' && server === '' ? [user('hello')] : messages, { tools, ...ask })
}

/** What came of a call, in the words of the corpus. */
export function resultOf(
  events: readonly ModelEvent[],
): Required<Pick<Expected, 'text' | 'reasoning' | 'calls' | 'malformed' | 'opaque'>> & Expected {
  const told = (kind: string): string =>
    events.map((event) => (event.type === 'delta' && event.kind === kind ? event.text : '')).join('')
  const last = events.at(-1)
  const content = contentOf(events)
  const calls = content.flatMap((block) => (block.type === 'tool-call' ? [block] : []))
  const reasoning = content.flatMap((block) => (block.type === 'reasoning' ? [block] : []))
  const provided = reasoning.find((block) => block.provided)?.provided?.data
  const providedCall = calls.find((block) => block.provided)?.provided?.data
  const common = {
    text: told('text'),
    reasoning: told('reasoning'),
    calls: calls.flatMap((call) => (call.malformed === undefined ? [[call.name, call.arguments] as const] : [])),
    malformed: calls.flatMap((call) => (call.malformed === undefined ? [] : [call.malformed])),
    opaque: reasoning.flatMap((block) => (block.opaque === undefined ? [] : [block.opaque])),
    ...(provided ? { provided } : {}),
    ...(providedCall ? { providedCall } : {}),
  }
  if (last?.type === 'completed') {
    const { inputTokens, outputTokens, cacheReadTokens } = last.usage
    return { ...common, finish: last.finish, usage: [inputTokens, outputTokens, cacheReadTokens] }
  }
  if (last?.type !== 'failed') return common
  return {
    ...common,
    code: last.code,
    says: last.message,
    ...(last.retries === undefined ? {} : { retries: last.retries }),
    ...(last.retryAfterMs === undefined ? {} : { retryAfterMs: last.retryAfterMs }),
  }
}
