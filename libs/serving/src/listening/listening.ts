// An HTTP server that answers by a table of routes.
//   L1. Each request is checked before anything of it is used: its Host, its Origin, its target.
//   L2. A slow or silent client ends by a time limit: for its headers, for its whole request, for what it does not read.
//   L3. Closing tells every open stream to end, waits for them, and then closes what is left.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { listensOnLoopback, type PageRules, ReinsError } from '@reins/contracts'
import type { Told } from '../conversation/tell.ts'
import { type EventStreamLimits, writeEvents } from './event-stream.ts'
import { guard } from './guard.ts'
import { statusOf } from './statuses.ts'

export interface Incoming {
  readonly request: IncomingMessage
  /** Parts of the path that the route names, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** The client has left. */
  readonly left: AbortSignal
  /** The process closes. */
  readonly closing: AbortSignal
}

export type Reply =
  | { readonly status: number; readonly json: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly status: number; readonly bytes: Uint8Array; readonly headers: Readonly<Record<string, string>> }
  | { readonly events: AsyncIterable<Told> }
  /** An answer of another server, as it comes. */
  | {
      readonly status: number
      readonly stream: ReadableStream<Uint8Array> | null
      readonly headers: Readonly<Record<string, string>>
    }

export interface ServedRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** `/session/:id`; `*` at its end stands for any rest, as the parameter `rest`. */
  readonly path: string
  /** Throws ReinsError. */
  handle(incoming: Incoming): Promise<Reply>
}

export interface ListenOptions {
  readonly host: string
  readonly port: number
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  readonly routes: readonly ServedRoute[]
  readonly limits?: Partial<EventStreamLimits>
  /** In every answer. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface Listening {
  readonly url: string
  close(options: { readonly withinMs: number }): Promise<void>
}

const defaultLimits: EventStreamLimits = { heartbeatMs: 15_000, stalledMs: 60_000 }

/** Rejects with the error of the system where it cannot listen. */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { createServer } = await import('node:http') // Loaded here: commands know of serving, and few serve.
  const rules: PageRules = { ...options, loopback: listensOnLoopback(options.host) }
  const limits = { ...defaultLimits, ...options.limits }
  const routes = options.routes.map((route) => ({ ...route, pattern: patternOf(route.path) }))
  const closing = new AbortController()
  const answering = new Set<Promise<void>>()
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 60_000, connectionsCheckingInterval: 2_000 })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    for (const [name, value] of Object.entries(options.headers ?? {})) response.setHeader(name, value)
    const done = answer(request, response).finally(() => answering.delete(done))
    answering.add(done)
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const left = new AbortController()
    response.once('close', () => left.abort())
    // A client may go away at any moment: there is nobody left to tell.
    request.on('error', () => left.abort())
    response.on('error', () => left.abort())
    try {
      guard(request, rules) // L1
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://here')
      const { route, params } = find(routes, request.method ?? '', pathname)
      const incoming = { request, params, query: searchParams, left: left.signal, closing: closing.signal }
      const reply = await route.handle(incoming)
      if ('events' in reply) return await writeEvents(response, reply.events, limits)
      if ('stream' in reply) return await passOn(response, reply.status, reply.headers, reply.stream)
      if ('bytes' in reply) return void response.writeHead(reply.status, reply.headers).end(reply.bytes)
      sendJson(response, reply.status, reply.json, reply.headers)
    } catch (error) {
      if (response.headersSent) return void response.destroy()
      sendError(response, error)
    } finally {
      // What the client still sends is not waited for.
      if (!request.complete) request.resume()
    }
  }

  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(options.port, options.host, resolve)
  await promise
  server.on('error', () => undefined)
  const { port } = server.address() as AddressInfo
  const shown = options.host.includes(':') && !options.host.startsWith('[') ? `[${options.host}]` : options.host
  return {
    url: `http://${shown}:${port}`,
    async close({ withinMs }) {
      const closed = new Promise<void>((done) => server.close(() => done()))
      closing.abort() // L3
      server.closeIdleConnections()
      const late = Promise.withResolvers<void>()
      const timer = setTimeout(() => late.resolve(), withinMs)
      await Promise.race([Promise.all(answering), late.promise])
      clearTimeout(timer)
      server.closeAllConnections()
      await closed
    },
  }
}

/** Nothing is read ahead of the reader. Whoever leaves, on either side, ends it without an error: the reader goes on by its cursor. */
async function passOn(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  stream: ReadableStream<Uint8Array> | null,
): Promise<void> {
  response.writeHead(status, headers)
  if (stream === null) return void response.end()
  response.flushHeaders()
  response.socket?.setNoDelay(true)
  await pipeline(Readable.fromWeb(stream), response).catch(() => response.destroy())
}

function find<R extends ServedRoute & { readonly pattern: RegExp }>(
  routes: readonly R[],
  method: string,
  path: string,
): { readonly route: R; readonly params: Readonly<Record<string, string>> } {
  const here = routes.flatMap((route) => {
    const match = route.pattern.exec(path)
    return match ? [{ route, params: decoded(match.groups ?? {}) }] : []
  })
  const found = here.find(({ route }) => route.method === method || (method === 'HEAD' && route.method === 'GET'))
  if (found) return found
  if (here.length === 0) throw new ReinsError('not_found', `There is no route ${method} ${path.slice(0, 200)}.`)
  const takes = [...new Set(here.map(({ route }) => route.method))].join(', ')
  throw new ReinsError('method_not_allowed', `${path} takes ${takes}, not ${method}.`, { details: { allow: takes } })
}

function decoded(groups: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]))
  } catch {
    throw new ReinsError('invalid_request', 'The URL is not validly encoded.')
  }
}

const patternOf = (path: string): RegExp =>
  new RegExp(
    `^${path
      .replaceAll('.', '\\.')
      .replace(/\*$/, '(?<rest>.*)')
      .replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`,
  )

export function sendJson(
  response: ServerResponse,
  status: number,
  json: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(json)
  response
    .writeHead(status, {
      ...headers,
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    .end(body)
}

export function sendError(response: ServerResponse, error: unknown): void {
  const known = error instanceof ReinsError ? error : new ReinsError('internal')
  const status = statusOf(known.code)
  const allow = status === 405 ? (known.details as { allow?: string } | undefined)?.allow : undefined
  sendJson(
    response,
    status,
    { error: known.body() },
    {
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(status === 429 || status === 503 ? { 'retry-after': '1' } : {}),
      ...(allow === undefined ? {} : { allow }),
    },
  )
}
