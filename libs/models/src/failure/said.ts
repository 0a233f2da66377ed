// What a server says is wrong, out of whatever body it says it in. Pure. The forms, each with who sends it:
//   {"error": {message, type, code, param}}           OpenAI and most others; code may be a number (OpenRouter, llama.cpp, Gemini)
//   {"error": "text"} · {"error": {"error": {…}}}     Ollama, text-generation servers; proxies around one another
//   {"detail": "text"} · {"detail": [{loc, msg}]}     FastAPI: vLLM, SGLang, LiteLLM, and Mistral under "message"
//   {"object": "error", message, type, code}          older vLLM, SGLang, Mistral
//   {"type": "error", "error": {type, message}}       Anthropic
//   [{"error": {code, message, status, details}}]     Gemini, as a list
//   {"errors": [{code, message}]} · {code, msg}        Cloudflare, SiliconFlow · {"Message"} AWS · problem+json {title, detail, status}
//   {"base_resp": {status_code, status_msg}}          MiniMax, in every answer; 0 is none
//   error.metadata.raw · error.innererror              what the provider behind a router said; what Azure's filter found
import { isRecord } from '../http/foreign.ts'
import type { Fault } from './failure.ts'
import { waitIn } from './retry-after.ts'

type ErrorReport = Pick<Fault, 'message' | 'words' | 'status' | 'retryAfterMs'>

const texts = [
  'message',
  'msg',
  'status_msg',
  'Message',
  'detail',
  'error_message',
  'error_description',
  'errorMessage',
  'description',
  'title',
  'reason',
  'faultstring',
]
const nested = [
  'error',
  'errors',
  'detail',
  'details',
  'message',
  'fault',
  'Error',
  'response',
  'body',
  'data',
  'base_resp',
]
const wordFields = ['code', 'type', 'status', 'error_type', 'errorCode', 'error_code', 'reason']

/** undefined: nothing in it says that something is wrong. */
export function saidIn(value: unknown): ErrorReport | undefined {
  const found: { messages: string[]; words: string[]; status: number | undefined; wait: number | undefined } = {
    messages: [],
    words: [],
    status: undefined,
    wait: undefined,
  }
  look(value, 0)
  if (found.messages.length === 0 && found.words.length === 0 && found.status === undefined) return undefined
  const message = [...new Set(found.messages)].join(': ')
  const inText = waitIn(message)
  // Where it is said twice, one is rounded.
  const asked = found.wait !== undefined && inText !== undefined ? Math.max(found.wait, inText) : (found.wait ?? inText)
  return {
    message: message === '' ? found.words.join(', ') : message,
    words: found.words,
    status: found.status,
    ...(asked === undefined ? {} : { retryAfterMs: asked }),
  }

  function look(at: unknown, depth: number): void {
    if (depth > 5 || found.messages.length > 6) return
    if (typeof at === 'string') return void text(at, depth)
    if (Array.isArray(at)) {
      for (const entry of at.slice(0, 4)) look(entry, depth + 1)
      return
    }
    if (!isRecord(at)) return
    for (const field of wordFields) word(at[field])
    for (const field of ['status', 'code', 'status_code', 'statusCode', 'http_status']) status(at[field])
    const place = Array.isArray(at.loc) ? at.loc.filter((step) => step !== 'body').join('.') : undefined
    for (const field of texts) {
      const said = at[field]
      if (typeof said === 'string' && said !== '' && !(field === 'reason' && /^[A-Z_]+$/.test(said)))
        text(place && field === 'msg' ? `${place}: ${said}` : said, depth)
    }
    if (typeof at.param === 'string' && at.param.length > 60) text(at.param, depth)
    else word(at.param)
    for (const field of nested) if (typeof at[field] === 'object' || field === 'error') look(at[field], depth + 1)
    if (isRecord(at.metadata)) look(at.metadata.raw, depth + 1)
    if (isRecord(at.metadata)) word(at.metadata.error_type)
    if (isRecord(at.innererror)) filtered(at.innererror)
    wait(at)
  }

  function text(said: string, depth: number): void {
    const trimmed = said.trim()
    // An error that was put into another's message.
    if (/^[[{]/.test(trimmed)) {
      const inner = parse(trimmed)
      if (inner !== undefined) return void look(inner, depth + 1)
    }
    if (trimmed !== '') found.messages.push(readable(trimmed))
  }

  function word(said: unknown): void {
    if (typeof said === 'string' && said !== '' && said !== 'error' && said.length <= 80 && !/^\d+$/.test(said))
      found.words.push(said)
  }

  function status(said: unknown): void {
    const number = typeof said === 'number' ? said : typeof said === 'string' && /^\d{3}$/.test(said) ? Number(said) : 0
    if (Number.isInteger(number) && number >= 400 && number < 600) found.status ??= number
  }

  /** The categories that a filter has found. */
  function filtered(inner: Record<string, unknown>): void {
    word(inner.code)
    const results = inner.content_filter_result ?? inner.content_filter_results
    if (!isRecord(results)) return
    const names = Object.entries(results).flatMap(([name, result]) =>
      isRecord(result) && result.filtered === true ? [name] : [],
    )
    if (names.length > 0) found.messages.push(`filtered for ${names.join(', ')}`)
  }

  function wait(at: Record<string, unknown>): void {
    const seconds =
      at.retry_after ?? at.retryAfter ?? at.estimated_time ?? at.retry_after_seconds ?? at.resets_in_seconds
    if (typeof seconds === 'number' && seconds >= 0) found.wait ??= Math.ceil(seconds * 1000)
    if (typeof at.retry_after_ms === 'number' && at.retry_after_ms >= 0) found.wait ??= Math.ceil(at.retry_after_ms)
    if (typeof at.retryDelay === 'string') found.wait ??= waitIn(`retry in ${at.retryDelay}`)
  }
}

// Every pattern here takes one pass: a page may be long, and nothing else of the process goes on meanwhile.

/** Not each word between angles is a tag: `<nil>` is what a server says. */
const page = /<(?:!doctype|\/?(?:html|head|body|title|h[1-6]|p|div|center|pre|br|hr|span|a|b|script|style)\b)[^<>]*>/i

/** The words of a page or of a plain text. */
export function readable(text: string): string {
  if (!page.test(text)) return text.replace(/\s+/g, ' ').trim()
  const title = /<title[^<>]*>([^<]*)/i.exec(text)?.[1]?.trim()
  const body = text
    .replace(/<(script|style|head)\b[\s\S]*?(?:<\/\1>|$)/gi, ' ')
    .replace(/<[^<>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return [title, body.slice(0, 300)]
    .filter((part) => part)
    .join(': ')
    .replace(/\s+/g, ' ')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The first event's data, of a body that is a stream: some servers answer so also where they refuse. */
function dataOf(body: string): string {
  const lines = body.trimStart().split(/\r\n?|\n/)
  if (!/^(event|data|id|retry|):/.test(lines[0] ?? '')) return ''
  return lines.find((line) => line.startsWith('data:'))?.slice('data:'.length) ?? ''
}

/** What a whole body says, JSON or not. */
export function saidInBody(body: string): ErrorReport {
  const value = parse(body.trim()) ?? parse(dataOf(body))
  const said = value === undefined ? undefined : saidIn(value)
  if (said) return said
  const message = readable(body)
  const wait = waitIn(message)
  return { message, words: [], status: undefined, ...(wait === undefined ? {} : { retryAfterMs: wait }) }
}
