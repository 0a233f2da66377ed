// What OpenAI's two wire forms have in common, seen from the server: the port that they fill, and how requests are read. Pure;
// server.ts carries the bytes.
//   - Requests are read leniently: what is missing or strange is left out, as a model server would.
import type { AssistantBlock, ModelCompleted, ModelDelta, ModelFailed, ModelRequest, ToolSpec } from '@reins/contracts'
import { isRecord } from '../http/foreign.ts'

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

export function settings(body: Record<string, unknown>) {
  const cacheKey = string(body.prompt_cache_key) || string(body.user)
  const output = outputOf(body)
  return {
    model: string(body.model).replace(/^scripted\//, ''),
    stream: body.stream === true,
    cacheKey,
    ...(output ? { output } : {}),
  }
}

/** The schema of the answer, in either form. */
function outputOf({ response_format: chat, text }: Record<string, unknown>): ModelRequest['output'] {
  const format = isRecord(chat) ? chat.json_schema : isRecord(text) ? text.format : undefined
  return isRecord(format) && isRecord(format.schema) ? { schema: format.schema } : undefined
}

export function toolOf(tool: Record<string, unknown>): ToolSpec {
  return {
    name: string(tool.name),
    description: string(tool.description),
    parameters: isRecord(tool.parameters) ? tool.parameters : {},
  }
}

export function limit(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : Number.MAX_SAFE_INTEGER
}

export function records(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : []
}

export function string(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

export function textOf(content: unknown): string {
  return typeof content === 'string'
    ? content
    : records(content)
        .map((part) => string(part.text))
        .join('')
}

export function argumentsText(block: Extract<AssistantBlock, { type: 'tool-call' }>): string {
  return block.malformed ?? JSON.stringify(block.arguments)
}
