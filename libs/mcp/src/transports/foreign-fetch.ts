// The fetch by which HTTP transports speak to a server: over node:http, since the built-in one gives up a stream that is silent for five
// minutes, and a tool may work longer.
//   H1. No answer is larger than a message may be; of a stream no event is.
//   H2. What goes to the server (tokens among it) goes to its own origin: redirects are handed back, and followed by the SDK within it.
import http from 'node:http'
import https from 'node:https'
import { Readable } from 'node:stream'
import { limits } from '../limits.ts'

export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

const bodiless = new Set([101, 103, 204, 205, 304])

export const foreignFetch: Fetch = (input, init = {}) => {
  const url = new URL(input)
  const send = url.protocol === 'https:' ? https.request : http.request
  const headers = Object.fromEntries(new Headers(init.headers))
  const body = typeof init.body === 'string' ? init.body : undefined
  return new Promise((resolve, reject) => {
    const request = send(url, {
      method: init.method ?? 'GET',
      headers: {
        ...headers,
        'accept-encoding': 'identity',
        ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
      },
      ...(init.signal ? { signal: init.signal } : {}),
    })
    request.on('error', reject)
    request.on('response', (response) => {
      const status = response.statusCode ?? 500
      response.on('error', () => undefined)
      if (bodiless.has(status)) response.resume()
      resolve(
        new Response(bodiless.has(status) ? null : bounded(response), { status, headers: headersOf(response.headers) }),
      )
    })
    request.end(body)
  })
}

function headersOf(given: http.IncomingHttpHeaders): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(given))
    for (const one of Array.isArray(value) ? value : [value ?? '']) headers.append(name, one)
  return headers
}

/** H1. */
function bounded(response: http.IncomingMessage): ReadableStream<Uint8Array> {
  const streams = /^\s*text\/event-stream/i.test(response.headers['content-type'] ?? '')
  let bytes = 0
  let tail: Buffer = Buffer.alloc(0)
  const checked = Readable.from(
    (async function* () {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        // Of a stream, what has come since the latest event ended.
        const seen = streams ? Buffer.concat([tail, chunk]) : chunk
        const end = streams ? endOfEvent(seen) : -1
        bytes = end < 0 ? bytes + chunk.length : seen.length - end
        tail = seen.subarray(-3)
        if (bytes > limits.messageBytes) {
          response.destroy()
          throw new Error(`the server sent a message of more than ${limits.messageBytes / 1024 / 1024} MB`)
        }
        yield chunk
      }
    })(),
    { objectMode: false },
  )
  checked.on('error', () => undefined)
  return Readable.toWeb(checked) as ReadableStream<Uint8Array>
}

/** Where the latest event ends: lines of a stream may end in each of three ways. -1: none ends here. */
const endOfEvent = (bytes: Buffer): number =>
  Math.max(bytes.lastIndexOf('\n\n'), bytes.lastIndexOf('\r\n\r\n'), bytes.lastIndexOf('\r\r'))
