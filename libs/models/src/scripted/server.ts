// The scripted models over HTTP, in OpenAI's forms: POST /v1/chat/completions, POST /v1/responses, GET /v1/models. For
// benchmarks ("a model in another process") and for foreign clients; it asks for no key and listens on loopback only.
import http from 'node:http'
import type { ModelProvider } from '@reins/contracts'
import { isRecord } from '../http/foreign.ts'
import { chatForm } from './chat-form.ts'
import { errorForm, type WireForm } from './forms.ts'
import { responsesForm } from './responses-form.ts'
import { createScripted, scriptedModels } from './scripted.ts'

export interface ScriptedServerOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** Between tokens, in milliseconds. */
  readonly tokenIntervalMs: number
}

export interface ScriptedServer {
  /** With `/v1`: the base URL of an OpenAI client. */
  readonly url: string
  /** Cuts the calls that are under way. */
  close(): Promise<void>
}

/** The file that serves them as a process of its own, for `node`: its first line of output is `{"url": …}`. */
export const scriptedServerMain = new URL('./server-main.ts', import.meta.url)

const largestBody = 64 * 1024 * 1024

export async function startScriptedServer(options: ScriptedServerOptions): Promise<ScriptedServer> {
  const provider = createScripted({ tokenIntervalMs: options.tokenIntervalMs })
  let answers = 0
  const server = http.createServer((request, response) => {
    const path = request.url?.split('?')[0]
    if (request.method === 'GET' && path === '/v1/models') return sendJson(response, 200, JSON.stringify(modelList))
    const form =
      request.method !== 'POST'
        ? undefined
        : path === '/v1/chat/completions'
          ? chatForm
          : path === '/v1/responses'
            ? responsesForm
            : undefined
    if (!form) return refuse(response, 404, `there is no ${request.method} ${path} here`)
    readBody(request, (body) => {
      if (body === undefined) return refuse(response, 413, 'the body is too large')
      let parsed: unknown
      try {
        parsed = JSON.parse(body)
      } catch {
        return refuse(response, 400, 'the body is not JSON')
      }
      if (!isRecord(parsed)) return refuse(response, 400, 'the body is not a JSON object')
      answers += 1
      answer(provider, form, parsed, `scripted-${answers}`, response).catch((error: unknown) =>
        response.destroy(error instanceof Error ? error : undefined),
      )
    })
  })
  // Benchmarks keep thousands of connections that are idle between turns.
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : options.port
  return {
    url: `http://127.0.0.1:${port}/v1`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const modelList = {
  object: 'list',
  data: scriptedModels.map((id) => ({ id, object: 'model', created: 0, owned_by: 'reins' })),
}

async function answer(
  provider: ModelProvider,
  form: WireForm,
  body: Record<string, unknown>,
  id: string,
  response: http.ServerResponse,
): Promise<void> {
  const request = form.request(body)
  if (!scriptedModels.some((known) => known === request.model)) {
    return refuse(
      response,
      404,
      `there is no model "${request.model}"; there are ${scriptedModels.join(', ')}`,
      'model_not_found',
    )
  }
  const gone = new AbortController()
  // An abort makes an exception with its stack: only where there is something left to stop.
  response.once('close', () => void (response.writableFinished || gone.abort()))
  const writer = form.stream(id, request.model)
  for await (const event of provider.stream(request, gone.signal)) {
    if (gone.signal.aborted) return
    // A failure before the first token has a status; after it, the stream can only say it, or be cut.
    if (event.type === 'failed') {
      const error = errorForm(event)
      // What was written still arrives: an answer that breaks off, not one that never began.
      if (!error) return void setImmediate(() => response.socket?.destroySoon())
      if (response.headersSent) return void response.end(`event: error\ndata: ${error.body}\n\n`)
      if (event.retryAfterMs !== undefined) response.setHeader('retry-after-ms', String(event.retryAfterMs))
      return sendJson(response, error.status, error.body)
    }
    if (!request.stream) {
      if (event.type === 'completed') sendJson(response, 200, form.whole(id, request.model, event))
      continue
    }
    const opening = response.headersSent ? '' : writer.open()
    if (!response.headersSent)
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    if (event.type === 'completed') response.end(opening + writer.close(event))
    else if (!response.write(opening + writer.delta(event))) await drained(response)
  }
}

function drained(response: http.ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('drain', resolve)
    response.once('close', resolve)
  })
}

function readBody(request: http.IncomingMessage, done: (body: string | undefined) => void): void {
  // Decoded piece by piece: most bodies are one piece, and need no copy.
  const text = new TextDecoder()
  let body = ''
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.byteLength
    if (size <= largestBody) body += text.decode(chunk, { stream: true })
  })
  request.on('end', () => done(size > largestBody ? undefined : body + text.decode()))
}

function sendJson(response: http.ServerResponse, status: number, body: string): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    .end(body)
}

function refuse(response: http.ServerResponse, status: number, message: string, code: string | null = null): void {
  sendJson(response, status, JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code } }))
}
