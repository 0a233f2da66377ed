// The SDK's transports over HTTP, with what they leave to their user: a call whose stream is gone must end.
//   T1. A stream that ends before its answer, and that cannot be resumed, ends its request with an error. One that can be is resumed by
//       the SDK; where that fails, the same.
//   T3. Whoever does not want an answer any more holds no stream for it: a request that is cancelled is let go.
//   T2. A resumed stream that drops before its first event is resumed from where it was, not from nowhere.
//   T4. A stream whose request is answered, with an error too, or cancelled is not resumed, and resumed no more. A server that refuses to
//       resume has lost the answer. Streams are not resumed at any pace.
//   T5. What a resumed stream repeats is let pass by: servers repeat events of other streams, and a question that is heard twice would be
//       answered twice. Events are known by their ids.
//   T7. Of answers to what a server asks, a few are on their way at once, and so many wait: a server that asks without end, and takes no
//       answer, costs no connections. What comes beyond that is not answered.
//   T6. In which call a server asks is known by the stream in which the question came.
import { setTimeout as pause } from 'node:timers/promises'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport, TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { SeenEvents, watched } from './event-streams.ts'
import type { Fetch } from './foreign-fetch.ts'
import { answerLost, lostStream, OpenRequests } from '../calls/open-requests.ts'
import { replyTurns } from './reply-turns.ts'

const mostAsked = 1_000
const resumeEveryMs = 100

export class HttpTransport implements Transport {
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: (message: JSONRPCMessage) => void
  readonly #inner: StreamableHTTPClientTransport
  /** Requests whose answer has not come, and whether their streams have ended after events. */
  readonly #open = new OpenRequests<{ ended: boolean; readonly stop: AbortController }>()
  /** T2: where streams stood that dropped before their first event. */
  readonly #dropped: string[] = []
  /** T5. */
  readonly #seen = new SeenEvents()
  /** T6. */
  readonly #askedIn = new Map<string | number, string | number>()
  /** The latest event of the stream that belongs to no request. */
  #standing: string | undefined
  #resumedAt = Number.NEGATIVE_INFINITY
  /** T7. */
  readonly #replies = replyTurns()

  constructor(url: URL, fetch: Fetch) {
    this.#inner = new StreamableHTTPClientTransport(url, { fetch: (at, init) => this.#fetch(fetch, at, init) })
    this.#inner.onclose = () => this.onclose?.()
    this.#inner.onmessage = (message) => {
      for (const heard of this.#open.heard(message)) this.onmessage?.(heard)
    }
    this.#inner.onerror = (error) => {
      this.onerror?.(error)
      if (/^(?:Maximum reconnection attempts|Failed to reconnect)/.test(error.message)) this.#loseEnded()
    }
  }

  get sessionId(): string | undefined {
    return this.#inner.sessionId
  }

  askedIn(question: string | number): string | number | undefined {
    return this.#askedIn.get(question)
  }

  setProtocolVersion(version: string): void {
    this.#inner.setProtocolVersion(version)
  }

  start(): Promise<void> {
    return this.#inner.start()
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if ('method' in message) return this.#send(message, options)
    await this.#replies.take(() => this.#send(message, options))
  }

  async #send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    const id = 'method' in message && 'id' in message ? message.id : undefined
    if (id !== undefined) this.#open.sent(message, { ended: false, stop: new AbortController() })
    try {
      const { resumptionToken, onresumptiontoken } = options ?? {}
      await this.#inner.send(message, {
        ...(resumptionToken === undefined ? {} : { resumptionToken }),
        ...(onresumptiontoken === undefined ? {} : { onresumptiontoken }),
      })
    } catch (error) {
      if (id !== undefined) this.#open.end(id)
      throw error
    } finally {
      this.#letGo(message)
    }
  }

  /** T3. */
  #letGo(message: JSONRPCMessage): void {
    if (!('method' in message) || message.method !== 'notifications/cancelled') return
    const request = message.params?.requestId
    if (typeof request !== 'string' && typeof request !== 'number') return
    const open = this.#open.get(request)
    this.#open.end(request)
    open?.stop.abort()
  }

  /** Tells the server that the session is over, where it still listens. */
  async close(): Promise<void> {
    await this.#inner.terminateSession().catch(() => undefined)
    await this.#inner.close()
  }

  async #fetch(fetch: Fetch, at: string | URL, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    const method = init.method ?? 'GET'
    if (method === 'GET' && !headers.has('last-event-id')) {
      const from = this.#dropped.shift()
      if (from !== undefined) headers.set('last-event-id', from)
    }
    const request = method === 'POST' ? idOf(init.body) : undefined
    const stop = request === undefined ? undefined : this.#open.get(request)?.stop.signal
    const signals = [init.signal, stop].filter((one) => one !== null && one !== undefined)
    const from = headers.get('last-event-id')
    if (from !== null) await this.#pace()
    const response = await fetch(at, { ...init, headers, ...(signals.length > 0 ? { signal: anyOf(signals) } : {}) })
    // The SDK takes this for a server without such streams.
    if (from !== null && response.status === 405) this.#loseEnded()
    const streams = /^\s*text\/event-stream/i.test(response.headers.get('content-type') ?? '')
    if (!response.ok || !response.body || !streams) return response
    const standing = method === 'GET' && (from === null || from === this.#standing)
    const body = watched(response.body, {
      seen: this.#seen,
      resumed: from !== null,
      request,
      stop,
      answered: () => (request === undefined ? !standing && !this.#anyEnded() : !this.#open.has(request)),
      came: (id) => {
        if (standing) this.#standing = id
      },
      asked: (question) => {
        if (this.#askedIn.size >= mostAsked) this.#askedIn.clear()
        if (request !== undefined) this.#askedIn.set(question, request)
      },
      ended: (events) => this.#ended(request, from, events),
    })
    return new Response(body, { status: response.status, headers: response.headers })
  }

  #ended(request: string | number | undefined, from: string | null, events: boolean): void {
    if (from !== null && !events) this.#dropped.push(from) // T2
    if (request === undefined) return
    const open = this.#open.get(request)
    if (!open) return
    if (events) open.ended = true
    else this.#lose(request)
  }

  async #pace(): Promise<void> {
    const wait = this.#resumedAt + resumeEveryMs - performance.now()
    if (wait > 0) await pause(wait)
    this.#resumedAt = performance.now()
  }

  #anyEnded(): boolean {
    for (const [, { ended }] of this.#open.entries()) if (ended) return true
    return false
  }

  #loseEnded(): void {
    for (const [request, { ended }] of this.#open.entries()) if (ended) this.#lose(request)
  }

  /** T1. */
  #lose(request: string | number): void {
    this.#open.end(request)
    this.onmessage?.(answerLost(request, lostStream))
  }
}

function idOf(body: unknown): string | number | undefined {
  if (typeof body !== 'string') return undefined
  const { id, method } = JSON.parse(body) as { id?: string | number; method?: string }
  return method === undefined ? undefined : id
}

const anyOf = (signals: readonly AbortSignal[]): AbortSignal => AbortSignal.any([...signals])
