// `fetch` for the SDKs, over node:http(s) with kept connections: the global one costs 0.16 ms more a call, and its idle
// time-outs cannot be set. It does what a model API needs and no more: a string body up, a stream down.
//   K1. The answer's bytes reach the reader as they arrive, one chunk a read, and a slow reader slows the socket.
//   K2. An abort ends the call wherever it is: before the headers, or in the middle of the body.
//   K3. A body that was cut (the peer went away before its end) is an error of the stream, never a quiet end.
//   K4. Nothing heard for `idleMs` ends the call with IdleError.
//   K5. No redirects, no decompression (`accept-encoding: identity`), no retries: those are events of the session. A kept
//       connection is closed after 20 s without use, before any peer would do it in the middle of our next request.
import http from 'node:http'
import https from 'node:https'

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

export class IdleError extends Error {
  override readonly name = 'IdleError'
}

export interface KeepAliveFetch {
  readonly fetch: Fetch
  /** The same connections with another patience, in milliseconds. */
  withIdle(idleMs: number): Fetch
  /** Closes the kept connections; calls that are under way end with an error. */
  close(): void
}

export function createKeepAliveFetch(options: { readonly idleMs: number }): KeepAliveFetch {
  // `timeout` is for connections that nobody uses (K5); `lifo` keeps the warm ones warm.
  const agentOptions = {
    keepAlive: true,
    timeout: 20_000,
    maxSockets: Number.POSITIVE_INFINITY,
    maxFreeSockets: 64,
    scheduling: 'lifo',
  } as const
  const agents = { 'http:': new http.Agent(agentOptions), 'https:': new https.Agent(agentOptions) }
  const withIdle =
    (idleMs: number): Fetch =>
    (input, init = {}) => {
      const url = input instanceof URL ? input : new URL(typeof input === 'string' ? input : input.url)
      if (url.protocol === 'http:') return exchange(http.request, agents['http:'], url, init, idleMs)
      if (url.protocol === 'https:') return exchange(https.request, agents['https:'], url, init, idleMs)
      return Promise.reject(new TypeError(`Only http and https URLs can be fetched, not ${url.protocol}`))
    }
  return {
    fetch: withIdle(options.idleMs),
    withIdle,
    close() {
      agents['http:'].destroy()
      agents['https:'].destroy()
    },
  }
}

type RequestFunction = (url: URL, options: http.RequestOptions) => http.ClientRequest

function exchange(
  request: RequestFunction,
  agent: http.Agent,
  url: URL,
  init: RequestInit,
  idleMs: number,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const signal = init.signal ?? undefined
    if (signal?.aborted) return reject(abortError(signal))
    const body = init.body ?? undefined
    if (body !== undefined && typeof body !== 'string')
      return reject(new TypeError('Only a string can be sent as a body'))
    const headers: Record<string, string> = { 'accept-encoding': 'identity' }
    const given = init.headers instanceof Headers ? init.headers : new Headers(init.headers)
    given.forEach((value, name) => {
      headers[name] = value
    })
    if (body !== undefined) headers['content-length'] = String(Buffer.byteLength(body))

    const sent = request(url, { method: init.method ?? 'GET', headers, agent, timeout: idleMs })
    let answer: http.IncomingMessage | undefined
    const onAbort = (): void => {
      if (signal) end(abortError(signal))
    }
    const end = (error: Error): void => {
      sent.destroy(error)
      answer?.destroy(error)
      reject(error)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    sent.once('close', () => signal?.removeEventListener('abort', onAbort))
    sent.setNoDelay(true)
    sent.on('timeout', () => end(new IdleError(`nothing arrived for ${Math.round(idleMs / 1000)} s`)))
    sent.on('error', reject)
    sent.on('response', (incoming) => {
      answer = incoming
      try {
        resolve(toResponse(incoming))
      } catch (error) {
        end(error instanceof Error ? error : new Error(String(error)))
      }
    })
    // As a string it leaves in one write with the headers.
    sent.end(body)
  })
}

/** Statuses for which the Response class takes no body. */
const bodiless = new Set([101, 204, 205, 304])

function toResponse(incoming: http.IncomingMessage): Response {
  const status = incoming.statusCode ?? 0
  const headers = new Headers()
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2)
    headers.append(incoming.rawHeaders[at]!, incoming.rawHeaders[at + 1]!)
  if (bodiless.has(status)) {
    incoming.resume()
    return new Response(null, { status, headers })
  }
  return new Response(toWebStream(incoming), { status, headers })
}

const cutShort = 'the connection broke in the middle of the answer'

function toWebStream(incoming: http.IncomingMessage): ReadableStream<Uint8Array> {
  let over = false
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        incoming.on('data', (chunk: Buffer) => {
          if (over) return
          controller.enqueue(chunk)
          if ((controller.desiredSize ?? 0) <= 0) incoming.pause()
        })
        incoming.on('end', () => {
          if (over || !incoming.complete) return
          over = true
          controller.close()
        })
        incoming.on('error', (error: NodeJS.ErrnoException) => {
          if (over) return
          over = true
          controller.error(error.code === 'ECONNRESET' ? new Error(cutShort, { cause: error }) : error)
        })
        // K3: a socket that closes early gives 'error' (aborted) in most cases; this covers the rest.
        incoming.on('close', () => {
          if (over) return
          over = true
          controller.error(new Error(cutShort))
        })
      },
      pull() {
        incoming.resume()
      },
      cancel() {
        over = true
        incoming.destroy()
      },
    },
    { highWaterMark: 64 },
  )
}

function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new DOMException('This operation was aborted', 'AbortError')
}
