// Anthropic's Messages API, by its SDK. Boundary: the SDK signs, sends and splits the stream into events; the body is made
// here from ready pieces (history.ts), and the events become the port's.
//   - Prompt caching: breakpoints on the system prompt, on the last tool, and on the last block of the conversation.
//   - Thinking: `adaptive` with an effort for models since 4.6; a budget of tokens, below max_tokens, for those from 3.7 to 4.5;
//     nothing for others. A thinking block goes back with its signature, which is `opaque`.
import type { ContentBlock, Message, RawMessageStreamEvent, StopReason } from '@anthropic-ai/sdk/resources/messages'
import type { Stream } from '@anthropic-ai/sdk/streaming'
import type {
  ModelCompleted,
  ModelEvent,
  ModelFailed,
  ModelProvider,
  ModelRequest,
  ToolSpec,
  Usage,
} from '@reins/contracts'
import { Answer, tokens } from './answer.ts'
import { failed, type Subject } from './failure.ts'
import { guard } from './guard.ts'
import { type Encoder, encodeOnce, History, type Piece } from './history.ts'
import type { Transport } from './transport.ts'

export interface AnthropicOptions {
  readonly apiKey: string
  readonly baseUrl: string
  readonly transport: Transport
}

const name = 'anthropic'
const cached = '"cache_control":{"type":"ephemeral"}'
/** Marks a `redacted_thinking` block among the opaque values; a signature is base64 and has no colon. */
const redactedPrefix = 'redacted:'

export function createAnthropic(options: AnthropicOptions): ModelProvider {
  const history = new History(name, encoder)
  const clients = options.transport.clients(async ({ fetch, timeout }) => {
    const { Anthropic } = await import('@anthropic-ai/sdk')
    return new Anthropic({
      apiKey: options.apiKey,
      baseURL: options.baseUrl,
      maxRetries: 0,
      logLevel: 'off',
      openTelemetry: false,
      timeout,
      fetch,
    })
  })

  async function* call(request: ModelRequest, subject: Subject, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    const client = await clients(request.stream)
    const body = encodeRequest(request, history)
    const common = { body, headers: { 'content-type': 'application/json' }, signal }
    if (request.stream) {
      yield* readEvents(
        await client.post<Stream<RawMessageStreamEvent>>('/v1/messages', { ...common, stream: true }),
        subject,
      )
    } else {
      yield* readEvents(asEvents(await client.post<Message>('/v1/messages', common)), subject)
    }
  }

  return {
    name,
    contextWindow: anthropicWindow,
    stream(request, signal) {
      const subject = {
        provider: name,
        model: request.model,
        baseUrl: options.baseUrl,
        keyEnv: 'ANTHROPIC_API_KEY',
        secrets: [options.apiKey],
      }
      return guard(() => call(request, subject, signal), subject, signal)
    },
  }
}

/** Since 4.6 all but the haiku line have a million tokens; before, and where the name says nothing, 200,000. */
function anthropicWindow(model: string): number {
  const version = claudeVersion(model)
  return version !== undefined && version >= 4.06 && !model.includes('haiku') ? 1_000_000 : 200_000
}

/** `claude-opus-4-6` → 4.06, `claude-3-7-sonnet-20250219` → 3.07, `claude-sonnet-4-20250514` → 4; undefined: not told by the name. */
function claudeVersion(model: string): number | undefined {
  const found = /claude-(?:[a-z]+-)*(\d{1,2})(?:[-.](\d{1,2})(?!\d))?(?!\d)/.exec(model)
  return found ? Number(found[1]) + Number(found[2] ?? 0) / 100 : undefined
}

const budgets = { low: 2_048, medium: 8_192, high: 24_576 } as const

function encodeThinking(request: ModelRequest, history: History): string {
  if (!request.reasoningEffort) return ''
  const version = claudeVersion(request.model)
  if ((version !== undefined && version >= 4.06) || request.model.startsWith('claude-mythos')) {
    return `,"thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"${request.reasoningEffort}"}`
  }
  if (version === undefined || version < 3.07 || !startsWithThinking(request, history)) return ''
  // Thinking counts against max_tokens: at least a quarter of it is left for the answer. The API takes no less than 1024.
  const budget = Math.min(budgets[request.reasoningEffort], Math.floor(request.maxTokens * 0.75))
  return budget < 1_024 ? '' : `,"thinking":{"type":"enabled","budget_tokens":${budget}}`
}

/** With a budget, a turn that goes on after tool calls must have begun with thinking: one that another model began has not. */
function startsWithThinking(request: ModelRequest, history: History): boolean {
  const asked = request.messages.findLastIndex((message) => message.role === 'user')
  const first = request.messages.slice(asked + 1).find((message) => message.role === 'assistant')
  return (
    first === undefined ||
    (history.own(first, request.model) && first.content.some((block) => block.type === 'reasoning' && block.opaque))
  )
}

function encodeRequest(request: ModelRequest, history: History): string {
  const system =
    request.system === '' ? '' : `,"system":[{"type":"text","text":${JSON.stringify(request.system)},${cached}}]`
  const offered = request.tools.map((tool) => encodeOnce(tool, toolCache, encodeTool))
  const tools = offered.length > 0 ? offered : withheldTools(request)
  const choice = offered.length > 0 ? '' : ',"tool_choice":{"type":"none"}'
  const toolList = tools.length === 0 ? '' : `,"tools":[${markLast(tools).join(',')}]${choice}`
  const messages = mergeTurns(history.encode(request.messages, request.model))
  const last = messages.at(-1)
  // Thinking blocks cannot carry a breakpoint; the last message is the user's or a tool's in every request that a session makes.
  if (last && last.role === 'user') last.parts = markLast(last.parts)
  const list = messages.map((message) => `{"role":"${message.role}","content":[${message.parts.join(',')}]}`).join(',')
  return `{"model":${JSON.stringify(request.model)},"max_tokens":${request.maxTokens},"stream":${request.stream}${encodeThinking(request, history)}${system}${toolList},"messages":[${list}]}`
}

/** A conversation with calls needs their tools, also where none may be called any more. */
function withheldTools(request: ModelRequest): string[] {
  const calls = request.messages.flatMap((message) => (message.role === 'assistant' ? message.content : []))
  const names = new Set(calls.flatMap((block) => (block.type === 'tool-call' ? [block.name] : [])))
  return [...names].map((name) => encodeTool({ name, description: 'Not available now.', parameters: {} }))
}

/** Turns must alternate; results of tools are the user's, and those of one answer stand together in one message. */
function mergeTurns(pieces: readonly Piece[]): { role: 'user' | 'assistant'; parts: string[] }[] {
  const turns: { role: 'user' | 'assistant'; parts: string[] }[] = []
  for (const piece of pieces) {
    const role = piece.role === 'assistant' ? 'assistant' : 'user'
    const last = turns.at(-1)
    if (last?.role === role) last.parts.push(...piece.parts)
    else turns.push({ role, parts: [...piece.parts] })
  }
  return turns
}

function markLast(parts: readonly string[]): string[] {
  return parts.map((part, at) => (at === parts.length - 1 ? `${part.slice(0, -1)},${cached}}` : part))
}

const toolCache = new WeakMap<object, string>()

function encodeTool(tool: ToolSpec): string {
  return JSON.stringify({
    name: tool.name,
    description: tool.description,
    input_schema: { type: 'object', ...tool.parameters },
  })
}

const encoder: Encoder = {
  user(message) {
    const texts = message.content.filter((part) => part.text.trim() !== '')
    // An empty text block is refused, and a message without content too.
    return texts.length === 0 ? [textBlock('(empty message)')] : texts.map((part) => textBlock(part.text))
  },
  assistant(message, reasoning, idOf) {
    return message.content.flatMap((block) => {
      switch (block.type) {
        case 'text':
          return block.text.trim() === '' ? [] : [textBlock(block.text)]
        case 'reasoning':
          return reasoning && block.opaque ? [thinkingBlock(block.text, block.opaque)] : []
        case 'tool-call':
          return [JSON.stringify({ type: 'tool_use', id: idOf(block), name: block.name, input: block.arguments })]
        default:
          return block satisfies never
      }
    })
  },
  tool(message, id) {
    const content = message.output === '' ? '(no output)' : message.output
    return [
      JSON.stringify({ type: 'tool_result', tool_use_id: id, content, ...(message.error ? { is_error: true } : {}) }),
    ]
  },
}

function textBlock(text: string): string {
  return JSON.stringify({ type: 'text', text })
}

function thinkingBlock(text: string, opaque: string): string {
  return opaque.startsWith(redactedPrefix)
    ? JSON.stringify({ type: 'redacted_thinking', data: opaque.slice(redactedPrefix.length) })
    : JSON.stringify({ type: 'thinking', thinking: text, signature: opaque })
}

/** A whole answer as the events of a stream, so that there is one reader. */
function* asEvents(message: Message): Generator<RawMessageStreamEvent> {
  yield { type: 'message_start', message }
  for (const [index, block] of message.content.entries()) {
    yield { type: 'content_block_start', index, content_block: block }
    if (block.type === 'tool_use') {
      yield {
        type: 'content_block_delta',
        index,
        delta: { type: 'input_json_delta', partial_json: JSON.stringify(block.input ?? {}) },
      }
    }
  }
  const { stop_reason, stop_details, stop_sequence, container, usage } = message
  yield { type: 'message_delta', delta: { stop_reason, stop_details, stop_sequence, container }, usage }
  yield { type: 'message_stop' }
}

type UsageCounts = {
  readonly input_tokens?: number | null
  readonly output_tokens?: number | null
  readonly cache_read_input_tokens?: number | null
  readonly cache_creation_input_tokens?: number | null
  readonly output_tokens_details?: { readonly thinking_tokens?: number | null } | null
}

async function* readEvents(
  events: AsyncIterable<RawMessageStreamEvent> | Iterable<RawMessageStreamEvent>,
  subject: Subject,
): AsyncGenerator<ModelEvent> {
  const answer = new Answer()
  let start: UsageCounts = {}
  let end: UsageCounts = {}
  let stop: StopReason | null = null
  let refusal: string | undefined
  const from: { id?: string; model?: string } = {}
  for await (const event of events) {
    switch (event.type) {
      case 'message_start':
        start = event.message.usage ?? {}
        from.id = event.message.id
        from.model = event.message.model
        break
      case 'content_block_start':
        yield* startBlock(answer, event.index, event.content_block)
        break
      case 'content_block_delta':
        switch (event.delta.type) {
          case 'text_delta':
            yield* answer.text(event.index, event.delta.text)
            break
          case 'thinking_delta':
            yield* answer.reasoning(event.index, event.delta.thinking)
            break
          case 'signature_delta':
            answer.opaque(event.index, event.delta.signature)
            break
          case 'input_json_delta':
            yield* answer.arguments(event.index, event.delta.partial_json)
            break
          case 'citations_delta':
            break
        }
        break
      case 'message_delta':
        stop = event.delta.stop_reason ?? stop
        refusal = event.delta.stop_details?.explanation ?? refusal
        end = event.usage ?? end
        break
      case 'message_stop':
        yield* answer.closeCalls()
        yield outcome(answer, stop, refusal, usageOf(start, end), from, subject)
        return
      case 'content_block_stop':
        break
    }
  }
}

/** A block that begins may hold text already: always in a whole answer, and from some servers in a stream. */
function startBlock(answer: Answer, index: number, block: ContentBlock): ModelEvent[] {
  switch (block.type) {
    case 'text':
      return answer.text(index, block.text)
    case 'thinking': {
      const deltas = answer.reasoning(index, block.thinking)
      answer.opaque(index, block.signature ?? '')
      return deltas
    }
    case 'redacted_thinking':
      answer.opaque(index, redactedPrefix + block.data)
      return []
    case 'tool_use':
      answer.call(index, block.id, block.name)
      return []
    default:
      // Blocks of the provider's own tools, which no request asks for.
      return []
  }
}

function outcome(
  answer: Answer,
  stop: StopReason | null,
  refusal: string | undefined,
  usage: Usage,
  from: { id?: string; model?: string },
  subject: Subject,
): ModelCompleted | ModelFailed {
  switch (stop) {
    case 'refusal':
      if (answer.empty)
        return failed({ words: ['content_filter'], message: refusal ?? 'the model refused to answer' }, subject)
      return answer.complete('refused', usage, from)
    case 'model_context_window_exceeded':
      if (answer.empty)
        return failed({ words: ['context_length_exceeded'], message: 'the window of the model is full' }, subject)
      return answer.complete('length', usage, from)
    case 'max_tokens':
      return answer.complete('length', usage, from)
    case 'tool_use':
      return answer.complete('tool-calls', usage, from)
    case 'end_turn':
    case 'stop_sequence':
    case 'pause_turn':
    case null:
      return answer.complete('stop', usage, from)
    default:
      // A reason that is newer than this SDK: the answer is there all the same.
      stop satisfies never
      return answer.complete('stop', usage, from)
  }
}

/** The counts at the end are cumulative; a count that is missing or null there stands at the start. */
function usageOf(start: UsageCounts, end: UsageCounts): Usage {
  const read = tokens(end.cache_read_input_tokens ?? start.cache_read_input_tokens)
  const written = tokens(end.cache_creation_input_tokens ?? start.cache_creation_input_tokens)
  return {
    inputTokens: tokens(end.input_tokens || start.input_tokens) + read + written,
    outputTokens: tokens(end.output_tokens ?? start.output_tokens),
    cacheReadTokens: read,
    cacheWriteTokens: written,
    reasoningTokens: tokens((end.output_tokens_details ?? start.output_tokens_details)?.thinking_tokens),
  }
}
