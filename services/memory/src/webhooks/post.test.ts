import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type PostOptions, post } from './post.ts'

async function receiver(answer: (request: IncomingMessage, response: ServerResponse, body: string) => void) {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('error', () => undefined)
    request.on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => answer(request, response, body))
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}
const options = (change: Partial<PostOptions> = {}): PostOptions => ({
  ...{ allowPrivate: true, withinMs: 30_000, resolve: async () => ['127.0.0.1'] },
  ...{ signal: new AbortController().signal, ...change },
})
const send = (url: string, change: Partial<PostOptions> = {}) =>
  post({ url, attempt: 1 }, { 'webhook-id': 'msg_1' }, '{"é":1}', options(change))

test('it goes to the address that was looked up, with the name that was asked for', async () => {
  const got: unknown[] = []
  const port = await receiver(({ method, url, headers }, response, body) => {
    got.push([method, url, headers.host, headers['webhook-id'], body])
    response.writeHead(202).end('fine')
  })
  expect(await send(`http://hooks.example.com:${port}/a?b=c`)).toEqual({
    ...{ kind: 'answered', status: 202, retryAfterMs: undefined },
  })
  expect(got).toEqual([['POST', '/a?b=c', `hooks.example.com:${port}`, 'msg_1', '{"é":1}']])
})

test('a redirect is an answer, and nobody follows it', async () => {
  let asked = 0
  const port = await receiver((_request, response) => {
    asked++
    response.writeHead(307, { location: '/elsewhere', 'retry-after': '7' }).end()
  })
  expect(await send(`http://127.0.0.1:${port}/`)).toEqual({ kind: 'answered', status: 307, retryAfterMs: 7000 })
  expect(asked).toBe(1)
})

test.each([['10.0.0.1'], ['127.0.0.1'], ['169.254.169.254'], ['::1'], ['::ffff:192.168.0.1']])(
  'a name that leads to %s is refused before anything is sent, also where another address is public',
  async (address) => {
    let asked = 0
    const port = await receiver((_request, response) => {
      asked++
      response.end()
    })
    for (const found of [[address], ['8.8.8.8', address]]) {
      const change = { allowPrivate: false, resolve: async () => found }
      expect(await send(`https://hooks.example.com:${port}/`, change)).toEqual({
        kind: 'refused',
        why: `hooks.example.com is at ${address}, an address of this machine or of a private network`,
      })
    }
    expect(asked).toBe(0)
  },
)

test('an address of this machine is refused in whatever form it is written', async () => {
  for (const url of [
    'https://127.0.0.1/',
    'https://0177.0.0.1/',
    'https://localhost/',
    'https://[::1]/',
    'http://a.b/',
  ])
    expect(await send(url, { allowPrivate: false })).toMatchObject({ kind: 'refused' })
})

test('a name that is not found, or not in time, and a connection that fails, are failures without details', async () => {
  const unknown = async () => Promise.reject(Object.assign(new Error('secret host'), { code: 'ENOTFOUND' }))
  expect(await send('http://x.example.com/', { resolve: unknown })).toEqual({
    kind: 'failed',
    why: 'x.example.com was not found (ENOTFOUND)',
  })
  expect(await send('http://x.example.com/', { resolve: async () => [] })).toMatchObject({ kind: 'failed' })
  const never = new Promise<readonly string[]>(() => undefined)
  expect(await send('http://x.example.com/', { resolve: () => never, withinMs: 20 })).toMatchObject({ kind: 'failed' })
  expect(await send('http://127.0.0.1:1/')).toEqual({ kind: 'failed', why: 'the connection failed (ECONNREFUSED)' })
})

test('a receiver that takes the request and says nothing is given up at the deadline', async () => {
  const port = await receiver(() => undefined)
  expect(await send(`http://127.0.0.1:${port}/`, { withinMs: 50 })).toEqual({
    kind: 'failed',
    why: 'no answer within 0.05 s',
  })
})

test('a receiver that answers without an end holds nobody', async () => {
  const port = await receiver((_request, response) => {
    response.writeHead(200)
    const more = () => {
      if (response.destroyed) return
      response.write('x'.repeat(65_536))
      setImmediate(more)
    }
    response.on('error', () => undefined)
    more()
  })
  expect(await send(`http://127.0.0.1:${port}/`)).toMatchObject({ kind: 'answered', status: 200 })
})
