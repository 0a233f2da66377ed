import http from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createModels, loadModelsConfig } from '../src/index.ts'
import { createKeepAliveFetch } from '../src/keep-alive-fetch.ts'
import { collect, request, user } from './contract.ts'

const connections = createKeepAliveFetch({ idleMs: 60_000 })
const server = http.createServer((incoming, response) => answer(incoming, response))
const sockets = new Set<unknown>()
let url = ''

function answer(incoming: http.IncomingMessage, response: http.ServerResponse): void {
  sockets.add(incoming.socket)
  switch (incoming.url) {
    case '/echo':
      response.writeHead(201, { 'x-seen': String(incoming.headers['x-sent']), 'set-cookie': ['a=1', 'b=2'] })
      incoming.pipe(response)
      return
    case '/empty':
      response.writeHead(204).end()
      return
    case '/two':
      response.write('one')
      incoming.on('data', () => {})
      incoming.on('end', () => setImmediate(() => response.end('two')))
      return
    case '/cut':
      response.write('half')
      setImmediate(() => setImmediate(() => response.socket?.destroySoon()))
      return
    case '/begin':
      response.write('begun')
      return
    default:
      // Says nothing, for ever.
      return
  }
}

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
})

afterAll(async () => {
  connections.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

test('a body goes up as UTF-8, headers both ways, and the connection is kept', async () => {
  const send = () =>
    connections.fetch(`${url}/echo`, { method: 'POST', body: '{"ü":"€"}', headers: { 'x-sent': 'yes' } })
  const first = await send()
  expect([first.status, first.ok, first.headers.get('x-seen'), first.headers.getSetCookie()]).toEqual([
    201,
    true,
    'yes',
    ['a=1', 'b=2'],
  ])
  expect(await first.json()).toEqual({ ü: '€' })
  const before = sockets.size
  expect(await (await send()).text()).toBe('{"ü":"€"}')
  expect(sockets.size).toBe(before)
  expect((await connections.fetch(`${url}/empty`)).status).toBe(204)
})

test('chunks arrive by themselves', async () => {
  const response = await connections.fetch(`${url}/two`, { method: 'POST', body: 'x' })
  const chunks: string[] = []
  for await (const chunk of response.body ?? []) chunks.push(new TextDecoder().decode(chunk))
  expect(chunks).toEqual(['one', 'two'])
})

test('a body that was cut is an error, not an end', async () => {
  const response = await connections.fetch(`${url}/cut`)
  await expect(response.text()).rejects.toThrow('the connection broke in the middle of the answer')
})

test('an abort ends a call before its headers, and in the middle of its body', async () => {
  const before = new AbortController()
  const waiting = connections.fetch(`${url}/never`, { signal: before.signal })
  before.abort()
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })

  const during = new AbortController()
  const response = await connections.fetch(`${url}/begin`, { signal: during.signal })
  during.abort()
  await expect(response.text()).rejects.toMatchObject({ name: 'AbortError' })
  await expect(connections.fetch(`${url}/echo`, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    name: 'AbortError',
  })
})

test('silence ends a call, before its headers and in the middle of its body', async () => {
  const impatient = connections.withIdle(20)
  await expect(impatient(`${url}/never`)).rejects.toMatchObject({ name: 'IdleError' })
  const response = await impatient(`${url}/begin`)
  await expect(response.text()).rejects.toMatchObject({ name: 'IdleError' })
})

test('a provider that goes silent is failed{network}, with how long it was waited for', async () => {
  const loaded = loadModelsConfig({
    ANTHROPIC_API_KEY: 'k',
    ANTHROPIC_BASE_URL: url,
    REINS_MODEL_IDLE_TIMEOUT_MS: '20',
  })
  if (loaded.kind === 'invalid') throw new Error(loaded.errors.join('\n'))
  const models = createModels(loaded.config)
  const [failed] = await collect(models.provider('anthropic')!, request('claude-sonnet-4-5', [user('hello')]))
  expect(failed).toMatchObject({
    type: 'failed',
    code: 'network',
    message: expect.stringContaining('nothing arrived for'),
  })
  models.close()
})
