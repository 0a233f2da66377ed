// The HTTP server: decode, call, encode. Every answer that is no success, whoever makes it, has the one form of errors.
//   H1. A route's token and permission are checked before its body is read.
//   H2. Nothing of an unexpected error leaves the process but its request id.
//   H3. A request arrives within its deadline, from the first byte of its connection to the last of its body.
//   H5. A request is answered to whoever may still have the answer, however long it takes (access/attended.ts).
//   H4. What two parsers could read in two ways (two Hosts, two tokens, a target that names a host, bytes that are no UTF-8) is refused.
import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type ErrorCode, errorTable, isMapping, type PageRules, ReinsError } from '@reins/contracts'
import type { Log, Metrics } from '@reins/telemetry'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Api } from '../../api/api.ts'
import type { CostlyRequests } from '../../access/costly.ts'
import type { Attended } from '../../access/attended.ts'
import type { Denial } from '../../api/access/denials.ts'
import type { Subject } from '../../api/access/needs.ts'
import { authorizeSome, type Caller, nobody } from '../../api/caller.ts'
import { asReinsError } from '../../api/errors.ts'
import { tooLarge } from '../../api/sessions/message-content.ts'
import type { AppDoor } from '../apps/app-door.ts'
import { negotiate } from './accept.ts'
import { challenge } from './challenge.ts'
import { tokenOf } from './credentials.ts'
import { httpSink } from './http-sink.ts'
import { parseJson } from './json.ts'
import { checkOrigin } from './origin.ts'
import { type Answer, type Route, YamlBody } from './route.ts'
import { retryAfterOf, statusOf } from './statuses.ts'
import { throwAway } from './unwanted-body.ts'

export interface HttpOptions {
  readonly origins: PageRules
  readonly api: Pick<Api, 'authenticate' | 'access'>
  /** People sign in at an identity provider: whoever is refused is told where. */
  readonly signIn: boolean
  readonly costly: CostlyRequests
  readonly attended: Attended
  /** Takes what is no route's, where it is a project's. Absent: there are no projects here. */
  readonly apps?: AppDoor
  readonly maxBodyBytes: number
  readonly requestWithinMs: number
  readonly log: Log
  readonly metrics: Metrics
}

/** Of this process: its requests are counted behind it. */
const requestPrefix = randomBytes(5).toString('hex')
let requests = 0
const requestIdPattern = /^[\w.:-]{1,128}$/

export function createHttp(options: HttpOptions): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: options.maxBodyBytes,
    requestTimeout: options.requestWithinMs, // H3
    http: {
      headersTimeout: options.requestWithinMs,
      connectionsCheckingInterval: Math.min(options.requestWithinMs, 15_000),
      requireHostHeader: false, // Node's own refusal has no body: checkTarget says it
      // Any other wish to upgrade is ignored, as HTTP has it: the request is answered as what it is.
      shouldUpgradeCallback: (request) => isSocket(request, options.apps),
    },
    exposeHeadRoutes: false,
    // Requests that are being answered are answered; connections that only wait are closed.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { maxParamLength: 1024 },
    requestIdHeader: false,
    genReqId: (raw) => {
      const given = raw.headers['x-request-id']
      return typeof given === 'string' && requestIdPattern.test(given)
        ? given
        : `${requestPrefix}-${(requests++).toString(36)}`
    },
    frameworkErrors: (error, request, reply) => {
      // No hook is called here.
      if (request.headers.upgrade !== undefined) reply.raw.once('finish', () => request.raw.socket.destroySoon())
      void sendError(reply.header('x-request-id', request.id), asHttpError(error))
    },
    clientErrorHandler: answerBadHttp,
  })
  takeBodies(app)
  // An expectation that is not known may be ignored; Node's own refusal has no body.
  app.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    app.server.emit('request', request, response)
  })
  const seconds = options.metrics.histogram('reins_http_request_seconds')
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    checkTarget(request.raw)
    checkOrigin(request.headers, options.origins)
    const { apps } = options
    if (!apps || (!request.is404 && request.routeOptions.url !== anyPath) || isSocket(request.raw, apps)) return
    const target = await apps.targetOfRequest(request.raw.url ?? '')
    if (!target) return
    reply.hijack()
    void apps.serve(target, request.raw, reply.raw)
  })
  if (options.signIn)
    app.addHook('onSend', async (request, reply) => {
      if (reply.statusCode === 401) reply.header('www-authenticate', challenge(request.headers))
    })
  app.addHook('preParsing', async (request) => checkEncoding(request.headers))
  app.addHook('onResponse', async (request, reply) => {
    const labels = { method: request.method, route: request.routeOptions.url ?? 'none', status: reply.statusCode }
    seconds.observe(labels, reply.elapsedTime / 1000)
    // A refused upgrade has left HTTP already: nobody else closes its connection.
    if (request.headers.upgrade !== undefined) request.raw.socket.destroySoon()
  })
  app.setErrorHandler(async (error, request, reply) => {
    if (isTooLarge(error)) return refuseBody(request, reply, request.routeOptions.bodyLimit ?? options.maxBodyBytes)
    const known = asHttpError(error)
    if (known.code === 'forbidden' || known.code === 'unauthorized')
      options.api.access.denied(denialOf(known, request.raw, `${request.method} ${request.routeOptions.url ?? '-'}`))
    if (known.code === 'internal')
      options.log.error({ requestId: request.id, route: request.routeOptions.url, error }, 'a request failed')
    return sendError(reply, known)
  })
  return app
}

/** What no other route takes. */
export const anyPath = '/*'

/** RFC 6455, 4.1: an older protocol has no upgrades. */
const isSocket = ({ headers, httpVersion, url = '' }: IncomingMessage, apps: AppDoor | undefined): boolean =>
  httpVersion === '1.1' &&
  headers.upgrade?.toLowerCase() === 'websocket' &&
  (/^\/v1\/[^?]*\/socket(\?|$)/.test(url) || apps?.targetOf(url) !== undefined)

/** Adds the routes; `socket` routes are added by who speaks WebSocket. Call once, after all plugins. */
export function addRoutes(app: FastifyInstance, routes: readonly Route[], options: HttpOptions): void {
  for (const route of routes) {
    if (route.socket) continue
    const offered = formsOf(route)
    const callers = new WeakMap<FastifyRequest, Caller>()
    app.route({
      method: route.method,
      url: route.path,
      exposeHeadRoute: answersHead(route),
      ...(route.maxBodyBytes === undefined ? {} : { bodyLimit: Math.max(route.maxBodyBytes, options.maxBodyBytes) }),
      onRequest: async (request) => {
        callers.set(request, await admit(route, request, options)) // H1
        if (!negotiate(request.headers.accept, offered))
          throw new ReinsError('not_acceptable', `This route answers with ${offered.join(', ')} only.`)
      },
      handler: async (request, reply) => {
        const { headers, params, query, body } = request
        const caller = callers.get(request) ?? nobody
        const reads = route.method === 'GET'
        const to = { needs: route.needs ?? [], about: subjectOf(route, params), changes: changesOf(route, body), reads }
        const answer = await options.attended.answered(caller, to, (over) =>
          route.run({ caller, headers, signal: () => over(closedSignal(reply.raw)), params, query, body }),
        )
        return encode(reply, answer, (bytes) => reads && options.attended.sent(caller, bytes))
      },
    })
  }
  const patterns = routes.map((route) => ({
    methods: answersHead(route) ? ['GET', 'HEAD'] : [route.method],
    matches: pathPattern(route.path),
  }))
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    const allowed = [...new Set(patterns.flatMap(({ methods, matches }) => (matches.test(path) ? methods : [])))]
    // A part of the path that is longer than any name is has no route, whatever the method.
    if (allowed.length === 0 || allowed.includes(request.method))
      throw new ReinsError('not_found', `There is no route ${request.method} ${path.slice(0, 200)}.`)
    reply.header('allow', allowed.join(', '))
    throw new ReinsError(
      'method_not_allowed',
      `${path.slice(0, 200)} takes ${allowed.join(', ')}, not ${request.method}.`,
    )
  })
}

/** What a request takes of its caller's share here; undefined: nothing. */
function changesOf({ method, appends }: Route, body: unknown): { readonly bytes: number } | undefined {
  if (method === 'GET' || appends) return undefined
  return { bytes: Buffer.byteLength(body instanceof YamlBody ? body.text : JSON.stringify(body ?? null)) }
}

/** Whoever watches a server by HEAD is answered as by GET, without the body. A stream has none to leave out. */
const answersHead = (route: Route): boolean =>
  route.method === 'GET' && !route.socket && !formsOf(route).includes('text/event-stream')

/** Rejects with unauthorized, forbidden or too_many_requests. Each operation checks its caller again: this is earlier (H1). */
export async function admit(
  route: Route,
  { headers, params, raw }: Pick<FastifyRequest, 'headers' | 'params' | 'raw'>,
  { api, costly }: Pick<HttpOptions, 'api' | 'costly'>,
): Promise<Caller> {
  if (route.needs === undefined) return nobody
  const caller = await api.authenticate(tokenOf(headers), raw.socket.remoteAddress)
  asking.set(raw, caller)
  authorizeSome(caller, route, subjectOf(route, params))
  costly.count(caller.principal, route.method, route.path)
  return caller
}

/** Whoever a request came from, once that is known. */
const asking = new WeakMap<IncomingMessage, Caller>()

/** For the audit: of the bearer only whose it is. */
function denialOf({ details }: ReinsError, raw: IncomingMessage, operation: string): Denial {
  const permission = isMapping(details) && typeof details.permission === 'string' ? details.permission : undefined
  const principal = asking.get(raw)?.principal ?? '-'
  return { principal, operation, permission, from: raw.socket.remoteAddress ?? '-' }
}

/** As far as the path says it. */
export function subjectOf({ names = {} }: Pick<Route, 'names'>, params: unknown): Subject {
  const given = Object.entries(isMapping(params) ? params : {}).flatMap(([param, value]) => {
    const hole = names[param]
    return hole && typeof value === 'string' ? [[hole, value] as const] : []
  })
  return Object.fromEntries(given)
}

function formsOf(route: Route): readonly string[] {
  const texts = Object.values(route.answers).filter((form) => typeof form === 'string')
  return texts.length > 0 ? texts : ['application/json', ...(route.streams ?? [])]
}

const pathPattern = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`)

/** H4. */
function checkTarget({ rawHeaders, httpVersion, url }: IncomingMessage): void {
  let hosts = 0
  let tokens = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++
    else if (name?.length === 13 && name.toLowerCase() === 'authorization') tokens++
  }
  if (tokens > 1) throw new ReinsError('invalid_request', 'The request has more than one Authorization header.')
  if (hosts > 1) throw new ReinsError('invalid_request', 'The request has more than one Host header.')
  if (hosts === 0 && httpVersion === '1.1') throw new ReinsError('invalid_request', 'The request has no Host header.')
  if (!url?.startsWith('/')) throw new ReinsError('invalid_request', 'The target of the request is not a path.')
}

/** A body that is packed would be read as what it is not. */
function checkEncoding({ 'content-encoding': encoding, ...headers }: IncomingHttpHeaders): void {
  const body = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  if (!body || encoding === undefined || /^\s*(identity)?\s*$/i.test(encoding)) return
  throw new ReinsError(
    'unsupported_media_type',
    `The body is encoded (Content-Encoding: ${encoding.slice(0, 50)}), and this server takes bodies as they are only.`,
    { next: 'Send the body without Content-Encoding.' },
  )
}

function takeBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    const bytes = Buffer.from(body)
    if (!isUtf8(bytes)) return done(new ReinsError('invalid_json', 'The body is not UTF-8.'))
    const text = bytes.toString('utf8')
    if (text === '') return done(null, undefined)
    try {
      done(null, parseJson(text, 'body'))
    } catch (error) {
      done(error instanceof Error ? error : new ReinsError('invalid_json'))
    }
  })
  const yaml = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml']
  app.addContentTypeParser(yaml, { parseAs: 'string' }, (_request, body, done) =>
    done(null, new YamlBody(String(body))),
  )
}

/** `sent`: is told how large the answer is, unless it is a stream. */
function encode(reply: FastifyReply, answer: Answer, sent: (bytes: number) => unknown): FastifyReply {
  if ('opening' in answer) {
    reply.hijack()
    answer.opening.start(httpSink(reply.raw, answer.form, { 'x-request-id': reply.request.id }))
    return reply
  }
  const body = 'text' in answer ? answer.text : 'bytes' in answer ? answer.bytes : JSON.stringify(answer.body)
  sent(body.length)
  if ('text' in answer) return reply.code(answer.status).header('content-type', answer.contentType).send(answer.text)
  if (answer.headers) reply.headers(answer.headers)
  if ('bytes' in answer) return reply.code(answer.status).send(answer.bytes)
  return reply.code(answer.status).header('content-type', 'application/json; charset=utf-8').send(body)
}

export function sendError(reply: FastifyReply, error: ReinsError): FastifyReply {
  const retryAfter = retryAfterOf(error)
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
  if (error.code === 'unauthorized') reply.header('www-authenticate', 'Bearer')
  return reply
    .code(statusOf[error.code])
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify({ error: error.body() }))
}

const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_BODY_TOO_LARGE'

async function refuseBody(request: FastifyRequest, reply: FastifyReply, limit: number): Promise<FastifyReply> {
  const all = await throwAway(request.raw)
  if (!all) reply.header('connection', 'close')
  const length = Number(request.headers['content-length'])
  return sendError(reply, tooLarge('body', Number.isFinite(length) ? length : undefined, limit))
}

const frameworkCodes: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', errorTable.unsupported_media_type.meaning],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_request', 'The body is not as long as Content-Length says.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['invalid_json', 'The body is empty.'],
  FST_ERR_BAD_URL: ['invalid_request', 'The URL is not validly encoded.'],
  FST_ERR_MAX_PARAM_LENGTH: ['invalid_request', 'A part of the path is too long.'],
}

/** Fastify's own refusals among them; H2 for what nobody expected. */
function asHttpError(error: unknown): ReinsError {
  const { code, statusCode } = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown
    statusCode?: unknown
  }
  const known = typeof code === 'string' ? frameworkCodes[code] : undefined
  if (known) return new ReinsError(known[0], known[1])
  if (!(error instanceof ReinsError) && typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new ReinsError('invalid_request', error instanceof Error ? error.message : undefined)
  return asReinsError(error)
}

const signals = new WeakMap<ServerResponse, AbortSignal>()
function closedSignal(raw: ServerResponse): AbortSignal {
  const known = signals.get(raw)
  if (known) return known
  const controller = new AbortController()
  // After an answer that went out whole nobody is left to tell: an abort costs an exception with a stack.
  raw.once('close', () => raw.writableFinished || controller.abort())
  signals.set(raw, controller.signal)
  return controller.signal
}

const badHttp: Readonly<Record<string, readonly [string, string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request was not sent to its end in time.'],
}

/** What is no HTTP at all never gets as far as a route. */
function answerBadHttp(error: Error & { code?: string }, socket: Socket): void {
  // A connection on which nobody has said anything asks nothing: it is closed without a word.
  const silent = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0
  if (!socket.writable || error.code === 'ECONNRESET' || silent) {
    socket.destroy()
    return
  }
  const [status, message] = badHttp[error.code ?? ''] ?? ['400 Bad Request', 'This is not HTTP/1.1.']
  const body = JSON.stringify({ error: new ReinsError('invalid_request', message).body() })
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
