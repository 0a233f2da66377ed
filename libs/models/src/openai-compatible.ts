// Servers that speak OpenAI's chat completions (Ollama, vLLM, llama.cpp, OpenRouter, and others). They differ in what they add
// and leave out, so the answer is read by a form of our own in which everything is optional.
//   - The terminal sign of a stream is a finish reason: some servers never send [DONE].
//   - Reasoning comes as `reasoning_content` or `reasoning`, and does not go back: there is no common form for that.
//   - `reasoning_effort` is sent when the agent asks for it; a model that refuses it is remembered, and called without.
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
import { postChat } from './chat-client.ts'
import { failed, faultOf, type Subject } from './failure.ts'
import { guard } from './guard.ts'
import { type Encoder, encodeOnce, History } from './history.ts'
import { outputText } from './openai.ts'
import type { Transport } from './transport.ts'

export interface OpenAiCompatibleOptions {
  readonly name: string
  /** Up to where `/chat/completions` is added. */
  readonly baseUrl: string
  readonly apiKey?: string | undefined
  /** For messages: the variable that holds the key. */
  readonly apiKeyEnv?: string | undefined
  readonly contextWindow: number
  readonly transport: Transport
}

interface ToolCallPart {
  readonly index?: number | null
  readonly id?: string | null
  readonly function?: { readonly name?: string | null; readonly arguments?: string | null } | null
}
interface MessagePart {
  readonly content?: string | null
  readonly refusal?: string | null
  readonly reasoning?: string | null
  readonly reasoning_content?: string | null
  readonly tool_calls?: readonly ToolCallPart[] | null
}
interface ChatUsage {
  readonly prompt_tokens?: number | null
  readonly completion_tokens?: number | null
  readonly prompt_tokens_details?: {
    readonly cached_tokens?: number | null
    readonly cache_write_tokens?: number | null
  } | null
  readonly completion_tokens_details?: { readonly reasoning_tokens?: number | null } | null
}
/** A chunk of a stream (`delta`), or a whole answer (`message`). */
interface Chat {
  readonly id?: string | null
  readonly model?: string | null
  readonly choices?:
    | readonly {
        readonly delta?: MessagePart | null
        readonly message?: MessagePart | null
        readonly finish_reason?: string | null
      }[]
    | null
  readonly usage?: ChatUsage | null
}

export function createOpenAiCompatible(options: OpenAiCompatibleOptions): ModelProvider {
  const history = new History(options.name, encoder)
  const withoutEffort = new Set<string>()
  const fetchFor = options.transport.clients(async ({ fetch }) => fetch)

  async function* call(request: ModelRequest, subject: Subject, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    const fetch = await fetchFor(request.stream)
    const send = () => {
      const body = encodeRequest(request, history, !withoutEffort.has(request.model))
      const { baseUrl, apiKey } = options
      return postChat<Chat>(fetch, { baseUrl, apiKey, body, stream: request.stream, signal })
    }
    let chunks: Awaited<ReturnType<typeof send>>
    try {
      chunks = await send()
    } catch (error) {
      if (!request.reasoningEffort || withoutEffort.has(request.model) || !refusesEffort(error)) throw error
      withoutEffort.add(request.model)
      chunks = await send()
    }
    yield* readChunks(chunks, subject)
  }

  return {
    name: options.name,
    contextWindow: () => options.contextWindow,
    stream(request, signal) {
      const { name, baseUrl, apiKey, apiKeyEnv } = options
      const subject = {
        provider: name,
        model: request.model,
        baseUrl,
        keyEnv: apiKeyEnv,
        secrets: apiKey ? [apiKey] : [],
      }
      return guard(() => call(request, subject, signal), subject, signal)
    },
  }
}

function refusesEffort(error: unknown): boolean {
  const fault = faultOf(error)
  return fault.status !== undefined && fault.status < 500 && /reasoning|thinking/i.test(fault.message)
}

function encodeRequest(request: ModelRequest, history: History, effort: boolean): string {
  const system = request.system === '' ? [] : [JSON.stringify({ role: 'system', content: request.system })]
  const tools = request.tools.map((tool) => encodeOnce(tool, toolCache, encodeTool))
  const toolList = tools.length === 0 ? '' : `,"tools":[${tools.join(',')}]`
  const reasoning = effort && request.reasoningEffort ? `,"reasoning_effort":"${request.reasoningEffort}"` : ''
  const usage = request.stream ? ',"stream_options":{"include_usage":true}' : ''
  const messages = [...system, ...history.encode(request.messages, request.model).flatMap((piece) => piece.parts)].join(
    ',',
  )
  return `{"model":${JSON.stringify(request.model)},"max_tokens":${request.maxTokens},"stream":${request.stream}${usage}${reasoning}${toolList},"messages":[${messages}]}`
}

const toolCache = new WeakMap<object, string>()

function encodeTool(tool: ToolSpec): string {
  return JSON.stringify({
    type: 'function',
    function: { name: tool.name, description: tool.description, parameters: tool.parameters },
  })
}

const encoder: Encoder = {
  user(message) {
    return [JSON.stringify({ role: 'user', content: message.content.map((part) => part.text).join('\n') })]
  },
  assistant(message, _reasoning, idOf) {
    const text = message.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('')
    const calls = message.content.flatMap((block) =>
      block.type === 'tool-call'
        ? [
            {
              id: idOf(block),
              type: 'function',
              function: { name: block.name, arguments: JSON.stringify(block.arguments) },
            },
          ]
        : [],
    )
    if (text === '' && calls.length === 0) return []
    return [
      JSON.stringify({
        role: 'assistant',
        content: text === '' ? null : text,
        ...(calls.length > 0 ? { tool_calls: calls } : {}),
      }),
    ]
  },
  tool(message, id) {
    return [JSON.stringify({ role: 'tool', tool_call_id: id, content: outputText(message) })]
  },
}

async function* readChunks(chunks: AsyncIterable<Chat> | Iterable<Chat>, subject: Subject): AsyncGenerator<ModelEvent> {
  const answer = new Answer()
  let finish: string | undefined
  let refused = false
  let usage: ChatUsage | undefined
  const from: { id?: string; model?: string } = {}
  for await (const chunk of chunks) {
    if (chunk.id) from.id = chunk.id
    if (chunk.model) from.model = chunk.model
    if (chunk.usage) usage = chunk.usage
    const choice = chunk.choices?.[0]
    if (!choice) continue
    if (choice.finish_reason) finish = choice.finish_reason
    const part = choice.delta ?? choice.message
    if (!part) continue
    yield* answer.reasoning('reasoning', part.reasoning_content ?? part.reasoning ?? '')
    yield* answer.text('text', part.content ?? '')
    if (part.refusal) {
      refused = true
      yield* answer.text('text', part.refusal)
    }
    for (const [at, toolCall] of (part.tool_calls ?? []).entries()) yield* readCall(answer, toolCall, at)
  }
  if (finish === undefined) return
  yield* answer.closeCalls()
  yield outcome(answer, refused ? 'content_filter' : finish, usageOf(usage), from, subject)
}

/** The first part of a call has its name. Servers that send whole calls often leave out the index: then the id tells them apart. */
function readCall(answer: Answer, part: ToolCallPart, at: number): ModelEvent[] {
  const key = `call ${part.index ?? part.id ?? at}`
  if (part.function?.name) answer.call(key, part.id ?? undefined, part.function.name)
  return answer.arguments(key, part.function?.arguments ?? '')
}

function outcome(
  answer: Answer,
  finish: string,
  usage: Usage,
  from: { id?: string; model?: string },
  subject: Subject,
): ModelCompleted | ModelFailed {
  switch (finish) {
    case 'length':
      return answer.complete('length', usage, from)
    case 'content_filter':
      return answer.empty
        ? failed({ words: ['content_filter'], message: 'the model refused to answer' }, subject)
        : answer.complete('refused', usage, from)
    case 'error':
      return failed({ message: 'the provider ended the answer with an error' }, subject)
    default:
      return answer.complete('stop', usage, from)
  }
}

function usageOf(usage: ChatUsage | undefined): Usage {
  return {
    inputTokens: tokens(usage?.prompt_tokens),
    outputTokens: tokens(usage?.completion_tokens),
    cacheReadTokens: tokens(usage?.prompt_tokens_details?.cached_tokens),
    cacheWriteTokens: tokens(usage?.prompt_tokens_details?.cache_write_tokens),
    reasoningTokens: tokens(usage?.completion_tokens_details?.reasoning_tokens),
  }
}
