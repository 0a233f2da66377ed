// Servers over real sockets that answer with nothing, with no HTTP, or with a page: how often another try is made, and the words.
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { createModels, loadModelsConfig } from '../src/index.ts'
import { collect, request, user } from './contract.ts'

const open: Server[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

const reply = (head: string, body: string | Buffer = ''): Buffer =>
  Buffer.concat([
    Buffer.from(`HTTP/1.1 ${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`),
    Buffer.from(body),
  ])

/** Answers each request with the next of these bytes, the last one again and again; gives the last event and what was asked. */
const asked = (...answers: readonly Buffer[]) => askedAs({}, ...answers)

/** `as`: what else is said of the server. */
async function askedAs(as: { readonly unmarkedEnd?: boolean }, ...answers: readonly Buffer[]) {
  const bodies: string[] = []
  const server = createServer((socket) => {
    let got = ''
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      got += bytes
      const end = got.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(got)?.[1])
      if (end < 0 || Buffer.byteLength(got.slice(end + 4)) < length) return
      bodies.push(got.slice(end + 4))
      socket.end(answers[Math.min(bodies.length, answers.length) - 1] ?? '')
    })
  }).listen(0, '127.0.0.1')
  open.push(server)
  await once(server, 'listening')
  const address = server.address()
  const baseUrl = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/v1`
  const loaded = loadModelsConfig({ REINS_MODEL_PROVIDERS: JSON.stringify([{ name: 'odd', baseUrl, ...as }]) })
  if (loaded.kind === 'invalid') throw new Error(loaded.errors.join('\n'))
  const models = createModels(loaded.config)
  const events = await collect(models.provider('odd')!, request('m', [user('hello')]))
  models.close()
  return { outcome: events.at(-1), bodies: bodies.map((body) => JSON.parse(body)) }
}

const json = '200 OK\r\nContent-Type: application/json'
const whole = '{"choices":[{"message":{"content":"ok"},"finish_reason":"stop"}]}'

test.each([
  ['an empty body', reply(json), 'an empty body came'],
  ['an empty body of a stream', reply('200 OK\r\nContent-Type: text/event-stream'), 'an empty body came'],
  ['an empty list', reply(json, '[]'), 'an empty value came'],
  ['an empty object', reply(json, '{}'), 'an empty value came'],
  [
    'more headers than anybody reads',
    reply(`${json}\r\nX-Long: ${'x'.repeat(100_000)}`, whole),
    'no HTTP that can be read',
  ],
  ['no HTTP', Buffer.from('SSH-2.0-OpenSSH_9.9\r\n'), 'no HTTP that can be read'],
  [
    'an interim answer for which nobody asked',
    Buffer.concat([Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'), reply(json, whole)]),
    '100 Continue',
  ],
])('%s is tried once more, and said', async (_, answer, words) => {
  const { outcome } = await asked(answer)
  expect(outcome).toMatchObject({
    type: 'failed',
    code: 'bad-request',
    retries: 1,
    message: expect.stringContaining(words),
  })
})

const streamed = '200 OK\r\nContent-Type: text/event-stream'
const unmarked = 'data: {"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":null}]}\n\n'

test('an answer that ends and does not say that it is over is tried once more; one that breaks off, as often as ever', async () => {
  const { outcome } = await asked(reply(streamed, unmarked))
  expect(outcome).toMatchObject({
    ...{ type: 'failed', code: 'network', retries: 1 },
    message: expect.stringContaining('"unmarkedEnd": true'),
  })
  const head = `HTTP/1.1 ${streamed}\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n`
  const broken = Buffer.from(`${head}${unmarked}`)
  expect((await asked(broken)).outcome).toMatchObject({ type: 'failed', code: 'network' })
  expect((await asked(broken)).outcome).not.toHaveProperty('retries')
})

test('where it is declared that a server never says so, its answers are whole, and one that breaks off is none', async () => {
  const { outcome } = await askedAs({ unmarkedEnd: true }, reply(streamed, unmarked))
  expect(outcome).toMatchObject({ type: 'completed', content: [{ type: 'text', text: 'ok' }] })
  const head = `HTTP/1.1 ${streamed}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`
  const broken = Buffer.from(`${head}${Buffer.byteLength(unmarked).toString(16)}\r\n${unmarked}\r\n`)
  const { outcome: of } = await askedAs({ unmarkedEnd: true }, broken)
  expect(of).toMatchObject({
    ...{ type: 'failed', code: 'network' },
    message: expect.stringContaining('the connection ended in the middle of the answer'),
  })
  expect(of).not.toHaveProperty('retries')
})

test('a web page that forbids is no matter of the key', async () => {
  const { outcome } = await asked(
    reply('403 Forbidden\r\nContent-Type: text/html', '<!DOCTYPE html><html><body>Access denied</body></html>'),
  )
  expect(outcome).toMatchObject({
    type: 'failed',
    code: 'network',
    retries: 0,
    message: expect.stringContaining('a firewall'),
  })
  const refused = await asked(reply('403 Forbidden', '{"error":{"message":"no access to this model"}}'))
  expect(refused.outcome).toMatchObject({ type: 'failed', code: 'auth' })
})

test('a server that names a smaller limit each time is not asked on and on', async () => {
  const refusals = Array.from({ length: 20 }, (_, at) =>
    reply(
      '400 Bad Request\r\nContent-Type: application/json',
      `{"error":{"message":"max_tokens must be less than or equal to ${1_000 - at}"}}`,
    ),
  )
  const { outcome, bodies } = await asked(...refusals)
  expect(outcome).toMatchObject({ type: 'failed', code: 'bad-request' })
  expect(bodies).toHaveLength(4)
})

test('a server that takes neither name of the limit is asked without one', async () => {
  const refusal = (name: string, more = '') =>
    reply(
      '400 Bad Request\r\nContent-Type: application/json',
      `{"error":{"message":"Unsupported parameter: '${name}'.${more}"}}`,
    )
  const { outcome, bodies } = await asked(
    refusal('max_tokens', " Use 'max_completion_tokens' instead."),
    refusal('max_completion_tokens'),
    reply(json, whole),
  )
  expect(outcome).toMatchObject({ type: 'completed' })
  const limits = bodies.map((body) => ['max_tokens', 'max_completion_tokens'].filter((name) => name in body))
  expect(limits).toEqual([['max_tokens'], ['max_completion_tokens'], []])
})

test.each([
  ['gzip', gzipSync(whole)],
  ['GZIP ', gzipSync(whole)],
  ['identity, br', brotliCompressSync(whole)],
  ['gzip, deflate', deflateSync(gzipSync(whole))],
  ['deflate', deflateRawSync(whole)],
  ['gzip', Buffer.from(whole)],
])('a body that says %s is unpacked, whatever it really is', async (encoding, body) => {
  const { outcome } = await asked(reply(`${json}\r\nContent-Encoding: ${encoding}`, body))
  expect(outcome).toMatchObject({ type: 'completed', content: [{ type: 'text', text: 'ok' }] })
})

test('a body that cannot be unpacked is tried once more, and said', async () => {
  const broken = gzipSync(whole).fill(255, 12)
  const { outcome } = await asked(reply(`${json}\r\nContent-Encoding: gzip`, broken))
  expect(outcome).toMatchObject({
    ...{ type: 'failed', code: 'bad-request', retries: 1 },
    message: expect.stringContaining('packed in a form that cannot be read'),
  })
})

test('an answer that is small and grows without end when it is unpacked is cut off', async () => {
  const bomb = gzipSync(Buffer.alloc(128 * 1024 * 1024, ' '), { level: 9 })
  const before = process.memoryUsage().arrayBuffers
  const { outcome } = await asked(reply(`${json}\r\nContent-Encoding: gzip`, bomb))
  expect(outcome).toMatchObject({ type: 'failed', message: expect.stringContaining('was cut off') })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 1024 * 1024)
}, 60_000)
