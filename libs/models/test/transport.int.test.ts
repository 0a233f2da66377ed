// Bytes over real sockets: connections that are kept, cut, silent or compressed, and proxies.
import { once } from 'node:events'
import http from 'node:http'
import type net from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Reply } from '../src/http/exchange.ts'
import { createTransport, isLoopback, noProxies } from '../src/http/transport.ts'
import { createModels, loadModelsConfig } from '../src/index.ts'
import { collect, request, user } from './contract.ts'

const transport = createTransport({ idleTimeoutMs: 60_000, answerTimeoutMs: 60_000, proxies: noProxies })
const server = http.createServer((incoming, response) => answer(incoming, response))
const sockets = new Set<unknown>()
let url = ''
let release = (): void => {}

function answer(incoming: http.IncomingMessage, response: http.ServerResponse): void {
  sockets.add(incoming.socket)
  switch (incoming.url) {
    case '/echo':
      response.writeHead(201, { 'x-seen': String(incoming.headers['x-sent']) })
      incoming.pipe(response)
      return
    case '/sized':
      response.writeHead(200, {
        'x-length': String(incoming.headers['content-length']),
        'x-coding': String(incoming.headers['transfer-encoding']),
      })
      incoming.pipe(response)
      return
    case '/two':
      response.write('one')
      release = () => response.end('two')
      return
    case '/gzip':
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('was small'))
      return
    case '/cut':
      response.write('half')
      setImmediate(() => setImmediate(() => response.socket?.destroySoon()))
      return
    case '/begin':
      response.write('begun')
      return
    case '/busy': {
      const word = setInterval(() => response.write('on and '), 5)
      response.on('close', () => clearInterval(word))
      return
    }
    default:
      // Says nothing, for ever.
      return
  }
}

const post = (path: string, more: { signal?: AbortSignal; headers?: Record<string, string> } = {}, by = transport) =>
  by.post(`${url}${path}`, {
    headers: more.headers ?? {},
    body: '{"ü":"€"}',
    signal: more.signal ?? new AbortController().signal,
    stream: true,
  })

async function text(reply: Reply): Promise<string> {
  let all = ''
  for (let part = await reply.read(); part; part = await reply.read()) all += new TextDecoder().decode(part)
  return all
}

async function listen(made: net.Server): Promise<string> {
  made.listen(0, '127.0.0.1')
  await once(made, 'listening')
  const address = made.address()
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

beforeAll(async () => {
  url = await listen(server)
})

afterAll(async () => {
  transport.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

test('a body goes up as UTF-8, headers both ways, and the connection is kept', async () => {
  const first = await post('/echo', { headers: { 'x-sent': 'yes' } })
  expect([first.status, first.headers['x-seen'], await text(first)]).toEqual([201, 'yes', '{"ü":"€"}'])
  const before = sockets.size
  // A connection is free when its answer has been handed over whole.
  await new Promise(setImmediate)
  expect(await text(await post('/echo'))).toBe('{"ü":"€"}')
  expect(sockets.size).toBe(before)
})

test('a large body goes up whole, with its length, and the connection is kept', async () => {
  const body = `${'a large body, '.repeat(10_000)}ü`
  const large = () =>
    transport.post(`${url}/sized`, { headers: {}, body, signal: new AbortController().signal, stream: true })
  const first = await large()
  expect([first.headers['x-length'], first.headers['x-coding']]).toEqual(['140002', 'undefined'])
  expect((await text(first)) === body).toBe(true)
  const before = sockets.size
  await new Promise(setImmediate)
  expect((await text(await large())) === body).toBe(true)
  expect(sockets.size).toBe(before)
})

test('pieces arrive by themselves, and what is compressed is read', async () => {
  const reply = await post('/two')
  const pieces = [await reply.read()]
  release()
  pieces.push(await reply.read(), await reply.read())
  expect(pieces.map((piece) => piece && new TextDecoder().decode(piece))).toEqual(['one', 'two', undefined])
  expect(await text(await post('/gzip'))).toBe('was small')
})

test('a body that flows is handed over as it comes, not while it is held, and then its end', async () => {
  const reply = await post('/two')
  const seen: string[] = []
  const second = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  reply.flow({
    data(part) {
      seen.push(new TextDecoder().decode(part))
      if (seen.length === 1) {
        reply.hold()
        release()
      } else second.resolve()
    },
    end: () => {
      seen.push('end')
      over.resolve()
    },
    failed: over.reject,
  })
  while (seen.length === 0) await new Promise(setImmediate)
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  expect(seen).toEqual(['one'])
  reply.goOn()
  await second.promise
  await over.promise
  expect(seen).toEqual(['one', 'two', 'end'])
})

test('a body that flows and was cut says so once', async () => {
  const reply = await post('/cut')
  const said = await new Promise<Error | undefined>((resolve) => {
    reply.flow({ data: () => {}, end: () => resolve(undefined), failed: resolve })
  })
  expect(said?.message).toBe('the connection broke in the middle of the answer')
})

test('a body that was cut is an error, not an end', async () => {
  await expect(text(await post('/cut'))).rejects.toThrow('the connection broke in the middle of the answer')
})

test('an abort ends a call before its headers, and in the middle of its body', async () => {
  const before = new AbortController()
  const waiting = post('/never', { signal: before.signal })
  before.abort()
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })

  const during = new AbortController()
  const reply = await post('/begin', { signal: during.signal })
  await reply.read()
  during.abort()
  await expect(reply.read()).rejects.toMatchObject({ name: 'AbortError' })
  await expect(post('/echo', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
})

test('silence ends a call, before its headers and in the middle of its body', async () => {
  const impatient = createTransport({ idleTimeoutMs: 20, answerTimeoutMs: 60_000, proxies: noProxies })
  await expect(post('/never', {}, impatient)).rejects.toMatchObject({ name: 'SilenceError' })
  const reply = await post('/begin', {}, impatient)
  await expect(text(reply)).rejects.toMatchObject({ name: 'SilenceError' })
  impatient.close()
})

function modelsWith(env: Record<string, string>) {
  const loaded = loadModelsConfig(env)
  if (loaded.kind === 'invalid') throw new Error(loaded.errors.join('\n'))
  return createModels(loaded.config)
}

test('a provider that goes silent is failed{network}, with how long it was waited for', async () => {
  const models = modelsWith({ ANTHROPIC_API_KEY: 'k', ANTHROPIC_BASE_URL: url, REINS_MODEL_IDLE_TIMEOUT_MS: '20' })
  const [failed] = await collect(models.provider('anthropic')!, request('claude-sonnet-4-5', [user('hello')]))
  expect(failed).toMatchObject({
    type: 'failed',
    code: 'network',
    message: expect.stringContaining('nothing arrived for'),
  })
  models.close()
})

test('an answer that goes on and on is cut at its time, before its headers and in its body, and is not asked for again', async () => {
  const strict = createTransport({ idleTimeoutMs: 60_000, answerTimeoutMs: 30, proxies: noProxies })
  const tooSlow = { fault: { kind: 'too-slow', message: expect.stringContaining('was not over after') } }
  await expect(post('/never', {}, strict)).rejects.toMatchObject(tooSlow)
  await expect(post('/busy', {}, strict).then(text)).rejects.toMatchObject(tooSlow)
  strict.close()

  const models = modelsWith({ ANTHROPIC_API_KEY: 'k', ANTHROPIC_BASE_URL: url, REINS_MODEL_ANSWER_TIMEOUT_MS: '1000' })
  const [failed] = await collect(models.provider('anthropic')!, request('claude-sonnet-4-5', [user('hello')]))
  expect(failed).toMatchObject({
    ...{ type: 'failed', code: 'network', retries: 0 },
    message: expect.stringMatching(/not over after 1 s.*REINS_MODEL_ANSWER_TIMEOUT_MS/),
  })
  models.close()
})

describe('proxies', () => {
  const asked: string[] = []
  const proxy = http.createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url}`)
    const chunk = { choices: [{ message: { content: 'by proxy' }, finish_reason: 'stop' }] }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(chunk))
  })
  proxy.on('connect', (incoming, socket: net.Socket) => {
    asked.push(`CONNECT ${incoming.url} ${incoming.headers['proxy-authorization'] ?? ''}`.trim())
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
  })
  let proxyUrl = ''
  beforeAll(async () => {
    proxyUrl = await listen(proxy)
  })
  afterAll(async () => {
    proxy.closeAllConnections()
    await new Promise((resolve) => proxy.close(resolve))
  })

  const ask = async (baseUrl: string, env: Record<string, string>) => {
    asked.length = 0
    const providers = JSON.stringify([{ name: 'far', baseUrl }])
    const models = modelsWith({ REINS_MODEL_PROVIDERS: providers, REINS_MODEL_IDLE_TIMEOUT_MS: '5000', ...env })
    const events = await collect(models.provider('far')!, request('m', [user('hello')]))
    models.close()
    return events.at(-1)
  }

  test('HTTP_PROXY is asked for what is http, HTTPS_PROXY is asked to connect, with its user', async () => {
    expect(await ask('http://models.test/v1', { HTTP_PROXY: proxyUrl })).toMatchObject({ type: 'completed' })
    expect(asked).toEqual(['POST http://models.test/v1/chat/completions'])
    const withUser = proxyUrl.replace('//', '//me:secret@')
    const refused = await ask('https://models.test/v1', { HTTPS_PROXY: withUser })
    expect(asked).toEqual([`CONNECT models.test:443 Basic ${btoa('me:secret')}`])
    expect(refused).toMatchObject({
      type: 'failed',
      code: 'network',
      retries: 0,
      message: expect.stringContaining('HTTPS_PROXY'),
    })
    expect(JSON.stringify(refused)).not.toContain('secret')
  })

  test('NO_PROXY is reached directly, and loopback always', async () => {
    await ask('http://models.test/v1', { HTTP_PROXY: proxyUrl, NO_PROXY: 'other.test, .test' })
    expect(asked).toEqual([])
    await ask(`${url}/v1`, { HTTP_PROXY: proxyUrl, REINS_MODEL_IDLE_TIMEOUT_MS: '20' })
    expect(asked).toEqual([])
    expect(
      ['localhost', '127.0.0.1', '127.8.8.8', '[::1]', 'a.localhost', '[::ffff:7f00:1]'].filter(isLoopback),
    ).toHaveLength(6)
    expect(['10.0.0.1', 'localhost.example', '128.0.0.1', '0.0.0.0'].filter(isLoopback)).toEqual([])
  })
})
