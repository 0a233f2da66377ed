// OpenAI's Responses API, by its SDK. Boundary: the SDK signs, sends and splits the stream into events; the body is made here
// from ready pieces (history.ts), and the events become the port's.
//   - Nothing is stored there (`store: false`): the session is the memory. So reasoning comes back encrypted; the whole
//     reasoning item is a block's `opaque`, and goes back as it came.
//   - Reasoning is asked for, with a summary that streams, of models that reason. Organisations that are not verified may not
//     see summaries: the first refusal of that is remembered, and the call made once more without.
import { createHash } from 'node:crypto'
import type {
  ModelCompleted,
  ModelEvent,
  ModelFailed,
  ModelProvider,
  ModelRequest,
  ToolSpec,
  Usage,
} from '@reins/contracts'
import type {
  Response,
  ResponseOutputItem,
  ResponseStreamEvent,
  ResponseUsage,
} from 'openai/resources/responses/responses'
import type { Stream } from 'openai/streaming'
import { Answer, type BlockKey, isRecord, tokens } from './answer.ts'
import { failed, faultOf, type Subject } from './failure.ts'
import { guard } from './guard.ts'
import { type Encoder, encodeOnce, History } from './history.ts'
import type { Transport } from './transport.ts'

export interface OpenAiOptions {
  readonly apiKey: string
  /** With `/v1`. */
  readonly baseUrl: string
  readonly transport: Transport
}

const name = 'openai'

export function createOpenAi(options: OpenAiOptions): ModelProvider {
  const history = new History(name, encoder)
  let summaries = true
  const clients = options.transport.clients(async ({ fetch, timeout }) => {
    const { OpenAI } = await import('openai')
    return new OpenAI({
      apiKey: options.apiKey,
      adminAPIKey: null,
      baseURL: options.baseUrl,
      maxRetries: 0,
      logLevel: 'off',
      timeout,
      fetch,
    })
  })

  async function* call(request: ModelRequest, subject: Subject, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    const client = await clients(request.stream)
    const send = async () => {
      const common = {
        body: encodeRequest(request, history, summaries),
        headers: { 'content-type': 'application/json' },
        signal,
      }
      return request.stream
        ? await client.post<Stream<ResponseStreamEvent>>('/responses', { ...common, stream: true })
        : asEvents(await client.post<Response>('/responses', common))
    }
    let events: Awaited<ReturnType<typeof send>>
    try {
      events = await send()
    } catch (error) {
      if (!summaries || !refusesSummary(error)) throw error
      summaries = false
      events = await send()
    }
    yield* readEvents(events, subject)
  }

  return {
    name,
    contextWindow: openAiWindow,
    stream(request, signal) {
      const subject = {
        provider: name,
        model: request.model,
        baseUrl: options.baseUrl,
        keyEnv: 'OPENAI_API_KEY',
        secrets: [options.apiKey],
      }
      return guard(() => call(request, subject, signal), subject, signal)
    },
  }
}

function refusesSummary(error: unknown): boolean {
  return (
    error instanceof Error && 'param' in error && error.param === 'reasoning.summary' && faultOf(error).status === 400
  )
}

function openAiWindow(model: string): number {
  if (model.startsWith('gpt-4.1')) return 1_000_000
  if (/^gpt-(4|3)|^chatgpt-|-chat/.test(model)) return model.startsWith('gpt-3') ? 16_000 : 128_000
  if (/^o\d/.test(model)) return 200_000
  return /^gpt-([5-9]|\d\d)/.test(model) ? 400_000 : 128_000
}

/** The others refuse `reasoning`, and encrypted reasoning with it. */
export function reasons(model: string): boolean {
  return /^(ft:)?(o\d|gpt-([5-9]|\d\d)|codex)/.test(model) && !model.includes('-chat')
}

function encodeRequest(request: ModelRequest, history: History, summaries: boolean): string {
  const effort = request.reasoningEffort ? [`"effort":"${request.reasoningEffort}"`] : []
  const settings = [...effort, ...(summaries ? ['"summary":"auto"'] : [])]
  const reasoning = reasons(request.model)
    ? `,"include":["reasoning.encrypted_content"]${settings.length > 0 ? `,"reasoning":{${settings.join(',')}}` : ''}`
    : ''
  const instructions = request.system === '' ? '' : `,"instructions":${JSON.stringify(request.system)}`
  const tools = request.tools.map((tool) => encodeOnce(tool, toolCache, encodeTool))
  const toolList = tools.length === 0 ? '' : `,"tools":[${tools.join(',')}]`
  const cacheKey = request.cacheKey === '' ? '' : `,"prompt_cache_key":${JSON.stringify(shortKey(request.cacheKey))}`
  const input = history
    .encode(request.messages, request.model)
    .flatMap((piece) => piece.parts)
    .join(',')
  return `{"model":${JSON.stringify(request.model)},"max_output_tokens":${request.maxTokens},"stream":${request.stream},"store":false${reasoning}${cacheKey}${instructions}${toolList},"input":[${input}]}`
}

/** At most 64 characters are taken. */
function shortKey(key: string): string {
  return key.length <= 64 ? key : createHash('sha256').update(key).digest('hex')
}

const toolCache = new WeakMap<object, string>()

function encodeTool(tool: ToolSpec): string {
  return JSON.stringify({
    type: 'function',
    name: tool.name,
    description: tool.description,
    parameters: tool.parameters,
    strict: false,
  })
}

const encoder: Encoder = {
  user(message) {
    return [
      JSON.stringify({
        role: 'user',
        content: message.content.map((part) => ({ type: 'input_text', text: part.text })),
      }),
    ]
  },
  assistant(message, reasoning, idOf) {
    return message.content.flatMap((block) => {
      switch (block.type) {
        case 'text':
          return block.text === '' ? [] : [JSON.stringify({ role: 'assistant', content: block.text })]
        case 'reasoning':
          return reasoning && block.opaque ? [block.opaque] : []
        case 'tool-call':
          return [
            JSON.stringify({
              type: 'function_call',
              call_id: idOf(block),
              name: block.name,
              arguments: JSON.stringify(block.arguments),
            }),
          ]
        default:
          return block satisfies never
      }
    })
  },
  tool(message, id) {
    return [JSON.stringify({ type: 'function_call_output', call_id: id, output: outputText(message) })]
  },
}

/** This wire form has no flag for an error: the text has to say it. */
export function outputText(message: { readonly output: string; readonly error: boolean }): string {
  return message.error && !/^error/i.test(message.output) ? `Error: ${message.output}` : message.output
}

/** A whole answer as the events of a stream, so that there is one reader. */
function* asEvents(response: Response): Generator<ResponseStreamEvent> {
  for (const [output_index, item] of (response.output ?? []).entries()) {
    yield { type: 'response.output_item.added', item, output_index, sequence_number: 0 }
    yield { type: 'response.output_item.done', item, output_index, sequence_number: 0 }
  }
  switch (response.status) {
    case 'failed':
    case 'cancelled':
      return yield { type: 'response.failed', response, sequence_number: 0 }
    case 'incomplete':
      return yield { type: 'response.incomplete', response, sequence_number: 0 }
    default:
      return yield { type: 'response.completed', response, sequence_number: 0 }
  }
}

async function* readEvents(
  events: AsyncIterable<ResponseStreamEvent> | Iterable<ResponseStreamEvent>,
  subject: Subject,
): AsyncGenerator<ModelEvent> {
  const answer = new Answer()
  const seen = new Map<BlockKey, string>()
  let refused = false
  /** Parts of one block (several texts, several summaries) are one text, with an empty line between. */
  const grow = (kind: 'text' | 'reasoning', item: number, part: string, text: string): ModelEvent[] => {
    const key = kind === 'text' ? `text ${item} ${part}` : `reasoning ${item}`
    const partKey = `${key} ${part}`
    const before = seen.get(partKey)
    const separator = kind === 'reasoning' && before === undefined && seen.has(key) ? '\n\n' : ''
    seen.set(partKey, (before ?? '') + text)
    seen.set(key, '')
    return kind === 'text' ? answer.text(key, text) : answer.reasoning(key, separator + text)
  }
  /** What of an item's whole text its deltas have not told: everything, in a whole answer. */
  const rest = (kind: 'text' | 'reasoning', item: number, part: string, whole: string): ModelEvent[] => {
    const key = kind === 'text' ? `text ${item} ${part}` : `reasoning ${item}`
    const told = seen.get(`${key} ${part}`) ?? ''
    return whole.length > told.length && whole.startsWith(told) ? grow(kind, item, part, whole.slice(told.length)) : []
  }
  function finishItem(item: ResponseOutputItem, at: number): ModelEvent[] {
    switch (item.type) {
      case 'message':
        return item.content.flatMap((part, index) => {
          if (part.type === 'refusal') refused = true
          return rest('text', at, String(index), part.type === 'refusal' ? part.refusal : part.text)
        })
      case 'reasoning': {
        const summaries = item.summary.flatMap((part, index) => rest('reasoning', at, `summary ${index}`, part.text))
        const texts = (item.content ?? []).flatMap((part, index) =>
          rest('reasoning', at, `content ${index}`, part.text),
        )
        if (item.encrypted_content)
          answer.opaque(`reasoning ${at}`, reasoningItem(item.id, item.summary, item.encrypted_content))
        return [...summaries, ...texts]
      }
      case 'function_call': {
        const told = answer.argumentsSoFar(`call ${at}`)
        return item.arguments.startsWith(told) ? answer.arguments(`call ${at}`, item.arguments.slice(told.length)) : []
      }
      default:
        // Items of the provider's own tools, which no request asks for.
        return []
    }
  }

  for await (const event of events) {
    switch (event.type) {
      case 'response.output_item.added':
        if (event.item.type === 'function_call')
          answer.call(`call ${event.output_index}`, event.item.call_id, event.item.name)
        break
      case 'response.output_item.done':
        yield* finishItem(event.item, event.output_index)
        break
      case 'response.output_text.delta':
        yield* grow('text', event.output_index, String(event.content_index), event.delta)
        break
      case 'response.refusal.delta':
        refused = true
        yield* grow('text', event.output_index, String(event.content_index), event.delta)
        break
      case 'response.reasoning_summary_text.delta':
        yield* grow('reasoning', event.output_index, `summary ${event.summary_index}`, event.delta)
        break
      case 'response.reasoning_text.delta':
        yield* grow('reasoning', event.output_index, `content ${event.content_index}`, event.delta)
        break
      case 'response.function_call_arguments.delta':
        yield* answer.arguments(`call ${event.output_index}`, event.delta)
        break
      case 'response.completed':
      case 'response.incomplete':
        yield* answer.closeCalls()
        yield outcome(event.response, answer, refused, subject)
        return
      case 'response.failed': {
        const error = event.response.error
        yield failed({ words: [error?.code, error?.type], message: error?.message ?? 'the answer failed' }, subject)
        return
      }
      case 'error':
        yield failed({ words: [event.code], message: event.message }, subject)
        return
      default:
        // Progress notes, ends of parts, and events of the provider's own tools: they add nothing to the above.
        break
    }
  }
}

function reasoningItem(id: string, summary: unknown, encrypted: string): string {
  return JSON.stringify({ type: 'reasoning', id, summary, encrypted_content: encrypted })
}

function outcome(response: Response, answer: Answer, refused: boolean, subject: Subject): ModelCompleted | ModelFailed {
  const usage = usageOf(response.usage)
  const from = { id: response.id, model: response.model }
  const reason = isRecord(response.incomplete_details) ? response.incomplete_details.reason : undefined
  if (refused || reason === 'content_filter') {
    return answer.empty
      ? failed({ words: ['content_filter'], message: 'the model refused to answer' }, subject)
      : answer.complete('refused', usage, from)
  }
  return answer.complete(reason === 'max_output_tokens' ? 'length' : 'stop', usage, from)
}

function usageOf(usage: ResponseUsage | null | undefined): Usage {
  return {
    inputTokens: tokens(usage?.input_tokens),
    outputTokens: tokens(usage?.output_tokens),
    cacheReadTokens: tokens(usage?.input_tokens_details?.cached_tokens),
    cacheWriteTokens: tokens(usage?.input_tokens_details?.cache_write_tokens),
    reasoningTokens: tokens(usage?.output_tokens_details?.reasoning_tokens),
  }
}
