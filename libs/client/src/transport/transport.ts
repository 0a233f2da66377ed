// One request to the gateway, and what can become of it. Every failure is a ReinsError, also that nobody answers.
import type { ErrorBody, ErrorCode } from '@reins/contracts'
import { errorTable, ReinsError } from '@reins/contracts/errors'
import { checked, type Form } from '../answers.ts'
import { boundedBytes, mostAnswerBytes, mostRefusalBytes } from './bounded.ts'
import { holdsCredentials, withoutCredentials } from './shown-url.ts'

export type Fetch = (input: string, init: RequestInit) => Promise<Response>

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** From the root: `/v1/sessions`. Parts that come from outside are encoded by whoever builds it. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON, unless it is a text: then as `contentType` says. */
  readonly body?: unknown
  readonly contentType?: string
  readonly signal?: AbortSignal | undefined
  /** The server may wait as long as it likes, for the end of a turn. */
  readonly patient?: boolean
  /** Where the server itself may need longer than usual for an answer, and says so within this time. */
  readonly withinMs?: number
}

/** A write that is repeated with its key happens once, for 24 h. */
export interface WriteOptions {
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal
}

export const keyHeader = ({ idempotencyKey }: WriteOptions): Record<string, string> =>
  idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }

/** A token, or who knows it now. */
export type TokenOf = string | (() => Promise<string>)

export interface Transport {
  /** The token may be another one at the next request. */
  readonly renews: boolean
  /** The body of a success, parsed and of this form. Throws ReinsError. */
  json<T>(request: Request, form: Form): Promise<T>
  /** The response of a success, its body unread. Throws ReinsError. */
  open(request: Request): Promise<Response>
}

/** `answerWithinMs`: for a whole answer; who accepts a connection and says nothing is not waited for for ever. */
export function createTransport(
  baseUrl: string,
  token: TokenOf | undefined,
  fetch: Fetch,
  answerWithinMs: number,
): Transport {
  const root = baseUrl.replace(/\/+$/, '')
  const shown = withoutCredentials(root)
  async function open({
    method,
    path,
    query = {},
    headers = {},
    body,
    contentType,
    signal,
  }: Request): Promise<Response> {
    if (holdsCredentials(root)) throw withCredentials(shown)
    const parameters = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
    const search = parameters.size > 0 ? `?${parameters}` : ''
    const bearer = typeof token === 'function' ? await token() : token
    const response = await fetch(`${root}${path}${search}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
      // No Reins server sends anybody elsewhere; what is sent along is for this one.
      redirect: 'manual',
    }).catch((error: unknown) => {
      if (signal?.aborted) throw signal.reason
      throw unreachable(shown, error)
    })
    if (response.ok) return response
    if (leadsElsewhere(response)) {
      await response.body?.cancel().catch(() => undefined)
      throw elsewhere(shown, response.headers.get('location'))
    }
    const bytes = await boundedBytes(response, mostRefusalBytes, shown).catch(() => new Uint8Array())
    throw errorOf(response.status, new TextDecoder().decode(bytes))
  }
  return {
    renews: typeof token === 'function',
    open,
    async json<T>(request: Request, form: Form): Promise<T> {
      const stop = request.signal ?? new AbortController().signal
      const withinMs = Math.max(answerWithinMs, request.withinMs ?? 0)
      const late = request.patient ? undefined : AbortSignal.timeout(withinMs)
      try {
        const signal = late ? AbortSignal.any([stop, late]) : stop
        const response = await open({ ...request, signal })
        const bytes = await boundedBytes(response, mostAnswerBytes, shown)
        return checked<T>(JSON.parse(new TextDecoder().decode(bytes)), form, shown)
      } catch (error) {
        if (stop.aborted) throw stop.reason
        if (late?.aborted) throw silent(shown, withinMs)
        if (error instanceof ReinsError) throw error
        if (error instanceof SyntaxError)
          throw new ReinsError('internal', `${shown} did not answer with JSON. Is it a Reins server?`)
        throw unreachable(shown, error)
      }
    },
  }
}

/** A browser does not say where. */
const leadsElsewhere = ({ status, type }: Response): boolean =>
  type === 'opaqueredirect' || (status >= 300 && status < 400 && status !== 304)

const elsewhere = (shown: string, to: string | null): ReinsError =>
  new ReinsError('internal', `${shown} sends its callers elsewhere${to === null ? '' : `, to ${to.slice(0, 300)}`}.`, {
    next: 'Nobody was asked there. If it is the right server, name it with --server or REINS_URL.',
  })

const withCredentials = (shown: string): ReinsError =>
  new ReinsError('invalid_request', `The address of the server, ${shown}, holds a user name or a password.`, {
    next: 'Leave them out of the address. Reins knows people by their token: give it with --token or REINS_TOKEN.',
  })

/** Nobody answered, or the answer broke off. */
export function unreachable(baseUrl: string, error: unknown): ReinsError {
  const why = causeOf(error)
  return new ReinsError(
    'unavailable',
    `Cannot reach ${withoutCredentials(baseUrl)}${why === undefined ? '' : ` (${why})`}.`,
    { next: nextAfter(baseUrl, why) },
  )
}

/** What to do depends on whether somebody is there. */
function nextAfter(baseUrl: string, why: string | undefined): string {
  if (why === 'ERR_SSL_WRONG_VERSION_NUMBER' || why === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return `Who listens there speaks no https. Try ${withoutCredentials(baseUrl).replace(/^https:/, 'http:')}`
  if (why !== undefined && /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/.test(why))
    return 'Its certificate is not trusted: name the authority that made it in NODE_EXTRA_CA_CERTS.'
  if (why === 'ENOTFOUND' || why === 'EAI_AGAIN')
    return 'There is no such host: check the name in --server or REINS_URL, and the network.'
  return 'Start the server with npm start, or name another server with --server or REINS_URL.'
}

function silent(root: string, ms: number): ReinsError {
  return new ReinsError('unavailable', `${root} gave no whole answer within ${Math.ceil(ms / 1000)} s.`, {
    next: 'Check that it is a Reins server and that its machine is not overloaded, and repeat the request.',
  })
}

export function errorOf(status: number, text: string): ReinsError {
  const body = bodyOf(text)
  if (body && body.code in errorTable) {
    const { code, message, details, next } = body
    return new ReinsError(code, message, { details, ...(next === undefined ? {} : { next }) })
  }
  const code: ErrorCode = status === 401 ? 'unauthorized' : status >= 502 && status <= 504 ? 'unavailable' : 'internal'
  const message = `The server answered with HTTP ${status} and a body that is not a Reins error.`
  if (code !== 'internal') return new ReinsError(code, message)
  const next =
    'Check that --server or REINS_URL names a Reins server, and not another one or its proxy. If it does, read its log.'
  return new ReinsError(code, message, { next })
}

function bodyOf(text: string): ErrorBody | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: Partial<ErrorBody> }
    return typeof error?.code === 'string' && typeof error.message === 'string' ? (error as ErrorBody) : undefined
  } catch {
    return undefined
  }
}

function causeOf(error: unknown, depth = 0): string | undefined {
  if (typeof error !== 'object' || error === null || depth > 5) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  if ('cause' in error) return causeOf(error.cause, depth + 1)
  return undefined
}
