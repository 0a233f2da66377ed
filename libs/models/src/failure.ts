// From whatever a provider, an SDK or a socket says to one of the closed set of codes.
//   F1. Total: every value that can be thrown becomes a ModelFailed.
//   F2. No key, header, or URL with credentials is in a message.
//   F3. 429 is rate-limited; 503 and 529 are overloaded; other 5xx, time-outs, cut streams and lost connections are network:
//       nobody can tell a proxy's 500 from the provider's, and both are worth another try after a while.
//   F4. What only a person can mend is never a code that is tried again: no credit (402, insufficient_quota) is auth.
import type { ModelErrorCode, ModelFailed } from '@reins/contracts'
import { isRecord } from './answer.ts'

/** What is known of a failure, in no provider's form. */
export interface Fault {
  readonly status?: number | undefined
  /** The provider's machine-readable words: its error `code` and `type`. */
  readonly words?: readonly (string | null | undefined)[]
  readonly message: string
  readonly headers?: Headers | undefined
}

/** Whom the message is about, and what a person can do. */
export interface Subject {
  readonly provider: string
  readonly model: string
  readonly baseUrl: string
  /** The variable that holds the key; none where no key is needed. */
  readonly keyEnv?: string | undefined
  /** Values that must not be in a message. */
  readonly secrets: readonly string[]
}

const codesOfWords: Readonly<Record<string, ModelErrorCode>> = {
  authentication_error: 'auth',
  permission_error: 'auth',
  billing_error: 'auth',
  invalid_api_key: 'auth',
  insufficient_quota: 'auth',
  billing_hard_limit_reached: 'auth',
  account_deactivated: 'auth',
  not_found_error: 'not-found',
  model_not_found: 'not-found',
  rate_limit_error: 'rate-limited',
  rate_limit_exceeded: 'rate-limited',
  overloaded_error: 'overloaded',
  server_is_overloaded: 'overloaded',
  slow_down: 'overloaded',
  engine_overloaded: 'overloaded',
  context_length_exceeded: 'context-overflow',
  exceed_context_size_error: 'context-overflow',
  request_too_large: 'context-overflow',
  content_filter: 'refused',
  content_policy_violation: 'refused',
  image_content_policy_violation: 'refused',
  misalignment_policy_violation: 'refused',
  bio_policy: 'refused',
  cyber_policy: 'refused',
  invalid_prompt: 'refused',
  timeout_error: 'network',
  api_error: 'network',
  server_error: 'network',
}

/** How the providers say "too long", where their codes do not. */
const tooLong =
  /prompt is too long|exceeds? (the |its )?(maximum |model'?s? )?(available )?context|context (length|window|size) (exceeded|limit)|maximum context length|exceeds? the context|exceed context limit|reduce the length of the (messages|prompt)|input length exceeds|maximum number of tokens allowed|too many (input )?tokens/i

const noCredit = /credit balance is too low|insufficient (funds|balance|credits)/i

export function codeOf(fault: Fault): ModelErrorCode {
  const { status } = fault
  for (const word of fault.words ?? []) {
    const code = word ? codesOfWords[word.toLowerCase()] : undefined
    // `api_error` and `server_error` say less than the status does.
    if (code && !(code === 'network' && status !== undefined)) return code
  }
  if (noCredit.test(fault.message)) return 'auth'
  if (status === undefined) return tooLong.test(fault.message) ? 'context-overflow' : 'network'
  if (status === 413) return 'context-overflow'
  if (status >= 400 && status < 500 && status !== 429 && tooLong.test(fault.message)) return 'context-overflow'
  if (status === 401 || status === 402 || status === 403) return 'auth'
  if (status === 404) return 'not-found'
  if (status === 429) return 'rate-limited'
  if (status === 503 || status === 529) return 'overloaded'
  if (status === 408 || status === 409 || status === 425 || status === 499 || status >= 500) return 'network'
  return 'bad-request'
}

export function failed(fault: Fault, subject: Subject): ModelFailed {
  const code = codeOf(fault)
  const said = redact(fault.message.replace(/\s+/g, ' ').trim(), subject.secrets).slice(0, 600)
  const status = fault.status === undefined ? '' : ` answered ${fault.status}`
  const retryAfterMs = retryAfter(fault.headers)
  return {
    type: 'failed',
    code,
    message:
      `${subject.provider}/${subject.model}${status}: ${said || 'no reason given'}. ${advice(code, subject)}`.replace(
        /\.\. /,
        '. ',
      ),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}

function advice(code: ModelErrorCode, subject: Subject): string {
  switch (code) {
    case 'auth':
      return subject.keyEnv
        ? `Check ${subject.keyEnv}, its permissions and its credit.`
        : 'The server asks for a key: configure one.'
    case 'not-found':
      return subject.provider === 'ollama'
        ? `Run "ollama pull ${subject.model}", or name a model that "ollama list" shows.`
        : `Check the model's name "${subject.model}" and the base URL ${publicUrl(subject.baseUrl)}.`
    case 'rate-limited':
      return 'It will go through when the limit allows.'
    case 'overloaded':
      return 'The provider is short of capacity for the moment.'
    case 'context-overflow':
      return 'The conversation does not fit the window of the model: start a new session, or choose a model with a larger one.'
    case 'refused':
      return 'The provider declined to answer this; say it differently.'
    case 'network':
      return `Check that ${publicUrl(subject.baseUrl)} can be reached.`
    case 'bad-request':
      return 'The provider does not take this request for this model: check the model and the settings of the agent.'
    default:
      return code satisfies never
  }
}

/** Milliseconds that the provider asked for. A date counts from the answer's own Date header: no clock is needed, or trusted. */
export function retryAfter(headers: Headers | undefined): number | undefined {
  if (!headers) return undefined
  const inMs = headers.get('retry-after-ms')
  if (inMs !== null && inMs.trim() !== '' && Number.isFinite(Number(inMs))) return Math.max(0, Math.ceil(Number(inMs)))
  const value = headers.get('retry-after')
  if (value === null || value.trim() === '') return undefined
  if (Number.isFinite(Number(value))) return Math.max(0, Math.ceil(Number(value) * 1000))
  const wait = Date.parse(value) - Date.parse(headers.get('date') ?? '')
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined
}

/** F2: known secrets, and what looks like one. */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text
  for (const secret of secrets) if (secret.length >= 4) clean = clean.replaceAll(secret, '[key]')
  return clean
    .replace(/\b(sk|pk|rk|xai|gsk|key)-[\w*.-]{6,}/g, '[key]')
    .replace(/\bBearer\s+\S+/gi, 'Bearer [key]')
    .replace(/:\/\/[^/\s@]+@/g, '://')
}

function publicUrl(text: string): string {
  if (!URL.canParse(text)) return 'the base URL'
  const url = new URL(text)
  return `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`
}

/** F1. The SDKs' errors carry the provider's answer as fields; sockets and parsers throw plain errors with causes. */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof Error)) return { message: String(error) }
  const body = 'error' in error ? error.error : undefined
  const said = isRecord(body) && isRecord(body.error) ? body.error : isRecord(body) ? body : undefined
  const status = 'status' in error && typeof error.status === 'number' ? error.status : undefined
  if (status === undefined && said === undefined) return { message: withCauses(error) }
  const words = [said?.code, said?.type].filter((word) => typeof word === 'string')
  const message = typeof said?.message === 'string' ? said.message : typeof body === 'string' ? body : error.message
  return {
    // An error in the middle of a stream has no status of its own; some servers put one in its code.
    status: status ?? (typeof said?.code === 'number' ? said.code : undefined),
    words,
    message: message.replace(/<[^>]*>/g, ' '),
    headers: 'headers' in error && error.headers instanceof Headers ? error.headers : undefined,
  }
}

function withCauses(error: Error): string {
  const texts: string[] = []
  for (let at: unknown = error; at instanceof Error && texts.length < 4; at = at.cause) {
    const code = 'code' in at && typeof at.code === 'string' && !at.message.includes(at.code) ? ` (${at.code})` : ''
    const text = at.message.replace(/\.$/, '') + code
    if (text && !texts.includes(text)) texts.push(text)
  }
  return texts.join(': ')
}
