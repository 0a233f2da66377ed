// From whatever a provider or a socket says to an outcome of the port.
//   F1. Total: every value that can be thrown becomes a ModelFailed.
//   F2. No key, header, or URL with credentials is in a message.
import { type ModelErrorCode, type ModelFailed, noUsage } from '@reins/contracts'
import type { ReplyHeaders } from '../http/exchange.ts'
import { type FaultKind, type Kind, kinds, publicUrl, type Subject } from './kinds.ts'
import { kindOf } from './recognise.ts'
import { header, retryAfter } from './retry-after.ts'
import { saidInBody } from './said.ts'

export type { Subject } from './kinds.ts'

/** What is known of a failure, in no provider's form. */
export interface Fault {
  /** Where it is known already. */
  readonly kind?: FaultKind | undefined
  readonly status?: number | undefined
  /** The provider's machine-readable words: its error `code` and `type`. */
  readonly words?: readonly (string | null | undefined)[] | undefined
  readonly message: string
  readonly headers?: ReplyHeaders | undefined
  /** There was no connection: nobody has seen the request. */
  readonly unsent?: true
  /** Asked for in the body. */
  readonly retryAfterMs?: number | undefined
}

/** A fault on its way out of an adapter. */
export class FaultError extends Error {
  override readonly name = 'FaultError'
  readonly fault: Fault
  constructor(fault: Fault) {
    super(fault.message)
    this.fault = fault
  }
}

/** Of these the model has seen nothing: nobody is billed. */
const unsent: ReadonlySet<FaultKind> = new Set(['unknown-host', 'untrusted', 'proxy-refuses', 'proxy-away', 'blocked'])

/** No turn waits longer than this for a limit. */
const longestWaitMs = 86_400_000

export function codeOf(fault: Fault): ModelErrorCode {
  return kinds[kindOf(fault)].code
}

export function failed(given: Fault, subject: Subject): ModelFailed {
  const asked = retryAfter(given.headers) ?? given.retryAfterMs
  const fault = asked === undefined ? given : { ...given, retryAfterMs: asked }
  const found = kindOf(fault)
  const waits = found === 'rate-limit' || found === 'no-capacity' || found === 'loading' || found === 'server-error'
  const name = waits && asked !== undefined && asked > longestWaitMs ? 'long-limit' : found
  const kind: Kind = kinds[name]
  const said = redact(fault.message.replace(/[\s\p{Cc}]+/gu, ' ').trim(), subject.secrets)
    .slice(0, 600)
    .toWellFormed()
  // Providers know best whether another try can help; the other way round, a limit of tries stays one.
  const final = given.headers !== undefined && header(given.headers, 'x-should-retry')?.toLowerCase() === 'false'
  const retries = final ? 0 : kind.retries
  const status = fault.status === undefined ? '' : ` answered ${fault.status}`
  const text = `${subject.provider}/${subject.model}${status}: ${said || 'no reason given'}. ${kind.advice(subject)}`
  return {
    type: 'failed',
    code: kind.code,
    message: text.replace(/([.!?])\. /, '$1 '),
    ...(waits && asked !== undefined && name !== 'long-limit' ? { retryAfterMs: asked } : {}),
    ...(retries === undefined ? {} : { retries }),
    ...(given.unsent || unsent.has(found) ? { usage: noUsage } : {}),
  }
}

/** F2: known secrets, and what looks like one. */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text
  for (const secret of secrets) if (secret.length >= 4) clean = clean.replaceAll(secret, '[key]')
  return clean
    .replace(/\b(sk|pk|rk|xai|gsk|key)-[\w*.-]{6,}/g, '[key]')
    .replace(/\bAIza[\w-]{20,}/g, '[key]')
    .replace(/\bBearer\s+\S+/gi, 'Bearer [key]')
    .replace(/\bBasic\s+[\w+/=-]{12,}/gi, 'Basic [key]')
    .replace(/:\/\/[^/\s@]+@/g, '://')
}

/** An answer whose status says that it is none. */
export function faultOfReply(status: number, headers: ReplyHeaders, body: string): Fault {
  const said = saidInBody(body)
  const location = header(headers, 'location')
  if (status >= 300 && status < 400)
    return {
      kind: 'wrong-address',
      status,
      message: `the server sends elsewhere${location ? `: ${publicUrl(location)}` : ''}`,
    }
  const page = /^\s*<(!doctype|html)/i.test(body)
  // A page instead of an error of the API: a proxy or a web server answers there.
  const kind = page ? pageKinds[status] : undefined
  const { message, words, retryAfterMs } = said
  return { kind, status, headers, words, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}

const pageKinds: Readonly<Record<number, FaultKind>> = {
  403: 'blocked',
  404: 'wrong-address',
  405: 'wrong-address',
  406: 'blocked',
}

const unconnected: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'],
])

const untrusted = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS|ERR_SSL|EPROTO|WRONG_VERSION/

/** F1. Sockets and parsers throw plain errors with causes. */
export function faultOf(error: unknown): Fault {
  if (error instanceof FaultError) return error.fault
  if (!(error instanceof Error)) return { message: String(error) }
  const message = withCauses(error)
  const codes: string[] = []
  for (let at: unknown = error; at instanceof Error && codes.length < 5; at = at.cause)
    if ('code' in at && typeof at.code === 'string') codes.push(at.code)
  if (codes.some((code) => untrusted.test(code))) return { kind: 'untrusted', message }
  if (/\bproxy\b/i.test(message)) return { kind: /\b40[37]\b/.test(message) ? 'proxy-refuses' : 'proxy-away', message }
  // What undici's parser says of a connection that ends inside an answer: so it ends where a server dies.
  if (error.name === 'HTTPParserError' && /Invalid EOF state/i.test(message))
    return { kind: 'unreachable', message: 'the connection ended in the middle of the answer' }
  if (error.name === 'HTTPParserError' || codes.includes('UND_ERR_HEADERS_OVERFLOW'))
    return { kind: 'no-answer', message: `the answer is no HTTP that can be read: ${message}` }
  if (codes.includes('ENOTFOUND')) return { kind: 'unknown-host', message }
  return { kind: 'unreachable', message, ...(codes.some((code) => unconnected.has(code)) ? { unsent: true } : {}) }
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
