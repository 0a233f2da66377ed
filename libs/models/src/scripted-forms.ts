// OpenAI's two wire forms, seen from the server: requests in, answers out. Pure; scripted-server.ts carries them.
//   - Requests are read leniently: what is missing or strange is left out, as a model server would.
import type {
  AssistantBlock,
  ModelCompleted,
  ModelDelta,
  ModelFailed,
  ModelMessage,
  ModelRequest,
  ToolSpec,
} from '@reins/contracts'
import { isRecord, parseArguments } from './answer.ts'

/** One way to say an answer. `id` is the answer's. */
export interface WireForm {
  readonly request: (body: Record<string, unknown>) => ModelRequest
  /** A writer for one streamed answer: each function gives the text to send. */
  readonly stream: (
    id: string,
    model: string,
  ) => { open(): string; delta(delta: ModelDelta): string; close(completed: ModelCompleted): string }
  readonly whole: (id: string, model: string, completed: ModelCompleted) => string
}

export const chatForm: WireForm = {
  request(body) {
    const messages: ModelMessage[] = []
    let system = ''
    const names = new Map<string, string>()
    for (const message of records(body.messages)) {
      const text = textOf(message.content)
      switch (message.role) {
        case 'system':
        case 'developer':
          system += system === '' ? text : `\n${text}`
          break
        case 'user':
          messages.push({ role: 'user', content: [{ type: 'text', text }] })
          break
        case 'assistant': {
          const calls = records(message.tool_calls).map((call): AssistantBlock => {
            const fn = isRecord(call.function) ? call.function : {}
            names.set(string(call.id), string(fn.name))
            return {
              type: 'tool-call',
              call: string(call.id),
              name: string(fn.name),
              ...parseArguments(string(fn.arguments)),
            }
          })
          messages.push({
            role: 'assistant',
            model: '',
            content: [...(text === '' ? [] : [{ type: 'text', text } as const]), ...calls],
          })
          break
        }
        case 'tool': {
          const call = string(message.tool_call_id)
          messages.push({
            role: 'tool',
            call,
            name: names.get(call) ?? 'tool',
            output: text,
            error: text.startsWith('Error: '),
          })
          break
        }
      }
    }
    const tools = records(body.tools).flatMap((tool) => (isRecord(tool.function) ? [toolOf(tool.function)] : []))
    return {
      ...settings(body),
      system,
      messages,
      tools,
      maxTokens: limit(body.max_tokens ?? body.max_completion_tokens),
    }
  },
  stream(id, model) {
    const head = `data: {"id":"${id}","object":"chat.completion.chunk","created":0,"model":${JSON.stringify(model)},"choices":[`
    const choice = (delta: string, finish = 'null') =>
      `${head}{"index":0,"delta":${delta},"finish_reason":${finish}}]}\n\n`
    const calls = new Map<number, number>()
    return {
      open: () => choice('{"role":"assistant","content":""}'),
      delta({ block, kind, text, call, name }) {
        const json = JSON.stringify(text)
        if (kind === 'text') return choice(`{"content":${json}}`)
        if (kind === 'reasoning') return choice(`{"reasoning_content":${json}}`)
        const known = calls.get(block)
        const index = known ?? calls.size
        calls.set(block, index)
        const first = known === undefined ? `"id":${JSON.stringify(call)},"type":"function",` : ''
        const named = known === undefined ? `"name":${JSON.stringify(name)},` : ''
        return choice(`{"tool_calls":[{"index":${index},${first}"function":{${named}"arguments":${json}}}]}`)
      },
      close: (completed) =>
        `${choice('{}', `"${chatFinish(completed)}"`)}${head}],"usage":${JSON.stringify(chatUsage(completed))}}\n\ndata: [DONE]\n\n`,
    }
  },
  whole(id, model, completed) {
    const text = join(completed, 'text')
    const reasoning = join(completed, 'reasoning')
    const calls = completed.content.flatMap((block) =>
      block.type === 'tool-call'
        ? [{ id: block.call, type: 'function', function: { name: block.name, arguments: argumentsText(block) } }]
        : [],
    )
    const message = {
      role: 'assistant',
      content: text === '' ? null : text,
      ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    }
    const choices = [{ index: 0, message, finish_reason: chatFinish(completed) }]
    return JSON.stringify({ id, object: 'chat.completion', created: 0, model, choices, usage: chatUsage(completed) })
  },
}

export const responsesForm: WireForm = {
  request(body) {
    const messages: ModelMessage[] = []
    const names = new Map<string, string>()
    const assistant = (block: AssistantBlock): void => {
      const last = messages.at(-1)
      if (last?.role === 'assistant') messages[messages.length - 1] = { ...last, content: [...last.content, block] }
      else messages.push({ role: 'assistant', model: '', content: [block] })
    }
    const input = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : records(body.input)
    for (const item of input) {
      if (item.type === 'function_call') {
        names.set(string(item.call_id), string(item.name))
        assistant({
          type: 'tool-call',
          call: string(item.call_id),
          name: string(item.name),
          ...parseArguments(string(item.arguments)),
        })
      } else if (item.type === 'function_call_output') {
        const call = string(item.call_id)
        const output = textOf(item.output)
        messages.push({
          role: 'tool',
          call,
          name: names.get(call) ?? 'tool',
          output,
          error: output.startsWith('Error: '),
        })
      } else if (item.role === 'assistant') assistant({ type: 'text', text: textOf(item.content) })
      else if (item.role === 'user')
        messages.push({ role: 'user', content: [{ type: 'text', text: textOf(item.content) }] })
    }
    const tools = records(body.tools).flatMap((tool) => (tool.type === 'function' ? [toolOf(tool)] : []))
    return {
      ...settings(body),
      system: string(body.instructions),
      messages,
      tools,
      maxTokens: limit(body.max_output_tokens),
    }
  },
  stream(id, model) {
    let sequence = 0
    const event = (type: string, rest: string) =>
      `event: ${type}\ndata: {"type":"${type}","sequence_number":${sequence++},${rest}}\n\n`
    const opened = new Set<number>()
    const openItem = ({ block, kind, call, name }: ModelDelta): string => {
      opened.add(block)
      const place = `"output_index":${block}`
      switch (kind) {
        case 'text':
          return (
            event(
              'response.output_item.added',
              `${place},"item":{"type":"message","id":"${id}_${block}","role":"assistant","status":"in_progress","content":[]}`,
            ) +
            event(
              'response.content_part.added',
              `${place},"item_id":"${id}_${block}","content_index":0,"part":{"type":"output_text","text":"","annotations":[]}`,
            )
          )
        case 'reasoning':
          return (
            event(
              'response.output_item.added',
              `${place},"item":{"type":"reasoning","id":"${id}_${block}","summary":[]}`,
            ) +
            event(
              'response.reasoning_summary_part.added',
              `${place},"item_id":"${id}_${block}","summary_index":0,"part":{"type":"summary_text","text":""}`,
            )
          )
        case 'arguments':
          return event(
            'response.output_item.added',
            `${place},"item":{"type":"function_call","id":"${id}_${block}","call_id":${JSON.stringify(call)},"name":${JSON.stringify(name)},"arguments":"","status":"in_progress"}`,
          )
        default:
          return kind satisfies never
      }
    }
    return {
      open: () => event('response.created', `"response":${responseOf(id, model, 'in_progress')}`),
      delta(delta) {
        const opening = opened.has(delta.block) ? '' : openItem(delta)
        const place = `"output_index":${delta.block},"item_id":"${id}_${delta.block}","delta":${JSON.stringify(delta.text)}`
        switch (delta.kind) {
          case 'text':
            return opening + event('response.output_text.delta', `"content_index":0,"logprobs":[],${place}`)
          case 'reasoning':
            return opening + event('response.reasoning_summary_text.delta', `"summary_index":0,${place}`)
          case 'arguments':
            return opening + event('response.function_call_arguments.delta', place)
          default:
            return delta.kind satisfies never
        }
      },
      close(completed) {
        const done = completed.content.map((block, at) =>
          event('response.output_item.done', `"output_index":${at},"item":${JSON.stringify(itemOf(id, block, at))}`),
        )
        const last = completed.finish === 'length' ? 'response.incomplete' : 'response.completed'
        return done.join('') + event(last, `"response":${responseOf(id, model, 'completed', completed)}`)
      },
    }
  },
  whole: (id, model, completed) => responseOf(id, model, 'completed', completed),
}

/** An error's status and body. `network` has none: the connection is cut instead. */
export function errorForm(failed: ModelFailed): { readonly status: number; readonly body: string } | undefined {
  const form = (status: number, type: string, code: string | null) => ({
    status,
    body: JSON.stringify({ error: { message: failed.message, type, param: null, code } }),
  })
  switch (failed.code) {
    case 'auth':
      return form(401, 'invalid_request_error', 'invalid_api_key')
    case 'not-found':
      return form(404, 'invalid_request_error', 'model_not_found')
    case 'rate-limited':
      return form(429, 'rate_limit_error', 'rate_limit_exceeded')
    case 'overloaded':
      return form(503, 'server_error', 'server_is_overloaded')
    case 'context-overflow':
      return form(400, 'invalid_request_error', 'context_length_exceeded')
    case 'refused':
      return form(400, 'invalid_request_error', 'content_policy_violation')
    case 'bad-request':
      return form(400, 'invalid_request_error', null)
    case 'network':
      return undefined
    default:
      return failed.code satisfies never
  }
}

function settings(body: Record<string, unknown>) {
  const cacheKey = string(body.prompt_cache_key) || string(body.user)
  return { model: string(body.model).replace(/^scripted\//, ''), stream: body.stream === true, cacheKey }
}

function toolOf(tool: Record<string, unknown>): ToolSpec {
  return {
    name: string(tool.name),
    description: string(tool.description),
    parameters: isRecord(tool.parameters) ? tool.parameters : {},
  }
}

function limit(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : Number.MAX_SAFE_INTEGER
}

function records(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : []
}

function string(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function textOf(content: unknown): string {
  return typeof content === 'string'
    ? content
    : records(content)
        .map((part) => string(part.text))
        .join('')
}

function join(completed: ModelCompleted, type: 'text' | 'reasoning'): string {
  return completed.content.map((block) => (block.type === type ? block.text : '')).join('')
}

function argumentsText(block: Extract<AssistantBlock, { type: 'tool-call' }>): string {
  return block.malformed ?? JSON.stringify(block.arguments)
}

function chatFinish({ finish }: ModelCompleted): string {
  return { stop: 'stop', 'tool-calls': 'tool_calls', length: 'length', refused: 'content_filter' }[finish]
}

function chatUsage({ usage }: ModelCompleted) {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cacheReadTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  }
}

function itemOf(id: string, block: AssistantBlock, at: number) {
  const common = { id: `${id}_${at}`, status: 'completed' }
  switch (block.type) {
    case 'text':
      return {
        ...common,
        type: 'message',
        role: 'assistant',
        content: [{ type: 'output_text', text: block.text, annotations: [] }],
      }
    case 'reasoning':
      return {
        ...common,
        type: 'reasoning',
        summary: [{ type: 'summary_text', text: block.text }],
        encrypted_content: 'scripted',
      }
    case 'tool-call':
      return {
        ...common,
        type: 'function_call',
        call_id: block.call,
        name: block.name,
        arguments: argumentsText(block),
      }
    default:
      return block satisfies never
  }
}

function responseOf(id: string, model: string, status: string, completed?: ModelCompleted): string {
  const short = completed?.finish === 'length'
  const usage = completed?.usage
  return JSON.stringify({
    id,
    object: 'response',
    created_at: 0,
    status: short ? 'incomplete' : status,
    model,
    error: null,
    incomplete_details: short ? { reason: 'max_output_tokens' } : null,
    output: completed ? completed.content.map((block, at) => itemOf(id, block, at)) : [],
    parallel_tool_calls: true,
    tool_choice: 'auto',
    tools: [],
    usage: usage
      ? {
          input_tokens: usage.inputTokens,
          input_tokens_details: { cached_tokens: usage.cacheReadTokens, cache_write_tokens: usage.cacheWriteTokens },
          output_tokens: usage.outputTokens,
          output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
          total_tokens: usage.inputTokens + usage.outputTokens,
        }
      : null,
  })
}
