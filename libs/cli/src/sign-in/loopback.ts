// Where the person's browser comes back to after a sign-in: a port of this machine that listens for one answer.
//   LB1. It listens on 127.0.0.1 alone, on a port that the system chooses, and answers requests by that name only.
//   LB2. The first answer that fits counts; a second one is told that it is over. Nothing of an answer is shown in the page.
//   LB3. Any page can guess the port. What does not fit is told so and changes nothing: it neither ends the sign-in nor is taken for it, and
//        holds one of a few connections for a moment. How long it goes on is for whoever waits to say.
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Answering } from './ports.ts'

const callback = '/callback'
const maxAddressChars = 16_000
const maxConnections = 64
const requestWithinMs = 10_000

/** The caller ends it with `say`. */
export async function listenForAnswer(): Promise<Answering> {
  const { createServer } = await import('node:http') // Loaded here: each command would load it, and few sign in.
  const came = Promise.withResolvers<URL>()
  came.promise.catch(() => undefined) // Whoever asks for it hears of it.
  let browser: ServerResponse | undefined
  let fits: (answer: URL) => boolean = () => false
  const server: Server = createServer((request, response) => {
    const own = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const url = URL.parse(request.url ?? '', `http://${own}`)
    if (request.headers.host !== own || request.method !== 'GET')
      return show(response, 403, 'This is not a page for you.') // LB1
    if (url?.pathname !== callback || url.href.length > maxAddressChars)
      return show(response, 404, 'There is nothing here.')
    if (browser) return show(response, 409, 'This sign-in is over. You can close this page.') // LB2
    if (!fits(url)) return show(response, 400, 'This is not an answer to the sign-in that waits here.') // LB3
    browser = response
    came.resolve(url)
  })
  server.on('error', (error) => came.reject(error))
  server.maxConnections = maxConnections
  server.requestTimeout = requestWithinMs
  server.headersTimeout = requestWithinMs
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    address: `http://127.0.0.1:${port}${callback}`,
    answer(which, signal) {
      fits = which
      const stop = (): void => came.reject(signal.reason)
      if (signal.aborted) stop()
      signal.addEventListener('abort', stop, { once: true })
      return came.promise.finally(() => signal.removeEventListener('abort', stop))
    },
    async say({ ok, text }) {
      const shown = browser
      if (shown && !shown.writableEnded) {
        const sent = new Promise<void>((resolve) => shown.once('close', () => resolve()))
        show(shown, ok ? 200 : 400, text)
        await sent
      }
      server.close()
      server.closeAllConnections()
    },
  }
}

function show(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    connection: 'close',
  })
  response.end(
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Reins</title>' +
      '<style>:root{color-scheme:light dark}body{font:1.1rem system-ui;margin:20vh auto;max-width:32rem;padding:0 1rem}</style>' +
      `</head><body><main><h1>Reins</h1><p>${escaped(text)}</p></main></body></html>`,
  )
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
