// The commands over real HTTP: the client of @reins/client, against a small server that breaks when it is told to.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from '@reins/client'
import type { StreamItem } from '@reins/contracts'
import { afterEach, expect, test } from 'vitest'
import { clientProgram, runProgram } from '../src/program.ts'
import { agent, delta, fakeContext, fakeServer, plainTurn, sessionId, sessionInfo, started } from './fakes.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void
let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function serve(handler: Handler): Promise<string> {
  server = createServer(handler)
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const contextAt = (url: string, terminal = false) =>
  fakeContext(fakeServer().client, {
    terminal,
    env: { noColor: true, dumb: false, url },
    connect: (to) => createClient({ ...to, wait: async () => undefined }),
  })

const json = (response: ServerResponse, status: number, body: unknown) => {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

test('a list, with the admin token', async () => {
  const url = await serve((request, response) => {
    if (request.headers.authorization !== 'Bearer admin-token') return json(response, 401, {})
    json(response, 200, { agents: [agent('assistant')] })
  })
  const context = contextAt(url)
  expect(await runProgram(clientProgram(context), ['agent', 'list'], context)).toBe(0)
  expect(context.stdout.text).toContain('assistant  scripted/demo')
})

test('a wrong token says where the right one is', async () => {
  const url = await serve((_request, response) =>
    json(response, 401, { error: { code: 'unauthorized', message: 'The token is wrong.', next: 'Send one.' } }),
  )
  const context = contextAt(url)
  expect(await runProgram(clientProgram(context), ['session', 'list', '--token', 'x'], context)).toBe(1)
  expect(context.stderr.text).toBe(
    'reins: The token is wrong.\nSign in with reins auth login, or give a token with --token or REINS_TOKEN. This shows which one is used: reins auth status\n',
  )
})

test('a chat that the server does not let in says how to get in', async () => {
  const url = await serve((_request, response) =>
    json(response, 401, { error: { code: 'unauthorized', message: 'The token is wrong.', next: 'Send one.' } }),
  )
  const context = contextAt(url, true)
  const words = ['agent', 'start', 'assistant', '--plain', '--token', 'x']
  expect(await runProgram(clientProgram(context), words, context)).toBe(1)
  expect(context.stderr.text).toMatch(/^reins: Error starting agent: 401: The token is wrong\.\n/)
  for (const word of ['reins auth login', 'REINS_TOKEN', 'reins auth status'])
    expect(context.stderr.text).toContain(word)
})

test('nobody there is one clear line, and what to do', async () => {
  const url = await serve(() => undefined)
  server?.close()
  const context = contextAt(url)
  expect(await runProgram(clientProgram(context), ['pool', 'list'], context)).toBe(1)
  expect(context.stderr.text).toBe(
    `reins: Cannot reach ${url} (ECONNREFUSED).\nStart the server with npm start, or name another server with --server or REINS_URL.\n`,
  )
})

test('a chat whose stream is cut goes on from its cursor', async () => {
  const [received, begun, called, completed, ended] = plainTurn(2, 10, 't1', 'Hi', 'Hello there')
  const send = (response: ServerResponse, ...items: (StreamItem | undefined)[]) => {
    for (const item of items)
      if (item) response.write(`id: ${item.cursor}\nevent: ${item.type}\ndata: ${JSON.stringify(item)}\n\n`)
  }
  const streams: (string | null)[] = []
  const url = await serve((request, response) => {
    const path = new URL(request.url ?? '/', 'http://x')
    if (path.pathname === '/v1/agents/assistant') return json(response, 200, { agent: agent('assistant') })
    if (path.pathname === '/v1/sessions')
      return json(response, 201, { session: sessionInfo(), messageId: 'm-t1', cursor: 'start' })
    if (path.pathname === `/v1/sessions/${sessionId}`) return json(response, 200, sessionInfo())
    streams.push(path.searchParams.get('after'))
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    if (streams.length === 1) {
      send(response, started(1, 0), received, begun, called, delta('k-t1', 0, 'Hello'))
      response.end()
    } else send(response, delta('k-t1', 5, ' there'), completed, ended)
  })
  const context = contextAt(url, true)
  const done = runProgram(clientProgram(context), ['chat'], context)
  await context.stdout.until('Message assistant')
  context.stdin.type('Hi\r')
  await context.stdout.until('120 tokens in')
  context.stdin.type('\x04')
  // From the beginning of the session's tree.
  expect([await done, streams]).toEqual([0, [null, 'd0']])
  expect(context.stdout.text).toContain('Hello there\r\n')
  expect(context.stdout.text).toContain(`reins session open ${sessionId}`)
})
