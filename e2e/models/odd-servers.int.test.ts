// Whole sessions on servers that keep no rule: what a person sees, and that no tool runs with arguments that were lost.
import { once } from 'node:events'
import http from 'node:http'
import type { Client } from '@reins/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Product } from '../bad-input/product.ts'

interface Asked {
  readonly messages: readonly { readonly role: string; readonly content: unknown }[]
  readonly tool_choice?: string
}

const asked: Asked[] = []
/** What the server says to each request. */
let answer: (request: Asked, response: http.ServerResponse) => void = () => {}
const server = http.createServer((incoming, response) => {
  let body = ''
  incoming.on('data', (part) => {
    body += part
  })
  incoming.on('end', () => {
    const request = JSON.parse(body) as Asked
    asked.push(request)
    answer(request, response)
  })
})
let product: Product
let client: Client

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const environment = {
    REINS_MODEL_PROVIDERS: JSON.stringify([{ name: 'odd', baseUrl: `http://127.0.0.1:${port}/v1` }]),
  }
  product = await Product.start(environment)
  client = product.client
  await client.agents.put('odd', {
    definition: {
      ...{ name: 'odd', model: 'odd/m', system_prompt: 'You help.', max_tool_calls: 2 },
      tools: [{ files: { workspace: '.' } }],
    },
  })
})

afterAll(async () => {
  await product?.close()
  server.closeAllConnections()
  server.close()
})

const chunk = (delta: unknown, finish: unknown = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`

function stream(response: http.ServerResponse, ...events: readonly string[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events.join(''))
}

async function turnOf(content: string) {
  asked.length = 0
  const { session } = await client.sessions.create({ agent: 'odd' })
  const { turn } = await client.sessions.sendAndWait(session.id, { content })
  const { events } = await client.sessions.events(session.id, { limit: 1000 })
  return { turn, events, session: session.id }
}

/** So many tries of Reins' own; a process that a busy machine stalls may lose one and make it again, and none makes seven. */
function expectAsked(times: number): void {
  expect(asked.length).toBeGreaterThanOrEqual(times)
  expect(asked.length).toBeLessThan(times + 3)
}

test('a connection that stays open behind the end does not hold the turn', async () => {
  answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`${chunk({ content: 'It is 4.' })}${chunk({}, 'stop')}data: [DONE]\n\n`)
  }
  expect((await turnOf('2 + 2?')).turn).toMatchObject({ status: 'completed', content: 'It is 4.' })
  expectAsked(1)
})

test('arguments that belong to no call run no tool, and the turn says why', async () => {
  answer = (_request, response) =>
    stream(
      response,
      chunk({ tool_calls: [{ index: 3, function: { arguments: '{"path":"x","content":"y"}' } }] }, 'tool_calls'),
    )
  const { turn, events } = await turnOf('write it')
  expect(turn).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('belong to no call') } })
  expect(events.some(({ type }) => type === 'tool-calls.requested')).toBe(false)
  expectAsked(3)
})

test('a call that is cut at the limit is told so; a model that calls on and on ends its turn with a reason', async () => {
  const call = (id: string) => ({
    index: 0,
    id,
    function: { name: 'write_file', arguments: '{"path":"a.txt","content":"so lo' },
  })
  answer = (request, response) =>
    stream(response, chunk({ tool_calls: [call(`c${request.messages.length}`)] }, 'length'))
  const { turn, events } = await turnOf('write a long file')
  expect(turn).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('max_tool_calls') } })
  expect(JSON.stringify(asked[1]?.messages.at(-1))).toContain('max_tokens')
  expect(asked.at(-1)?.tool_choice).toBe('none')
  expect(asked[0]?.tool_choice).toBeUndefined()
  expect(events.some(({ type }) => type === 'tool-calls.requested')).toBe(false)
})

test('an answer without a word is a failure that says so', async () => {
  answer = (_request, response) => stream(response, chunk({ role: 'assistant', content: '' }), chunk({}, 'stop'))
  const { turn } = await turnOf('say nothing')
  expect(turn).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('without a word') } })
  expectAsked(3)
})

test('a web page where a model server should be is found out at once', async () => {
  answer = (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html><title>Hello</title></html>')
  const { turn } = await turnOf('hello')
  expect(turn).toMatchObject({
    status: 'failed',
    error: { code: 'not-found', message: expect.stringContaining('base URL') },
  })
  expectAsked(1)
})

test('a server that answers with nothing is asked once more, and the turn says so', async () => {
  answer = (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end()
  const { turn } = await turnOf('hello')
  expect(turn).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('an empty body came') } })
  expectAsked(2)
})

test('a text without end is cut off, asked for once, and its session goes on', async () => {
  let left = false
  answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.on('close', () => {
      left = true
    })
    const words = chunk({ content: 'on and '.repeat(100) })
    const go = (): void => {
      while (!left && response.write(words));
      if (!left) response.once('drain', go)
    }
    go()
  }
  const { turn, events, session } = await turnOf('tell me everything')
  expect(turn).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('was cut off') } })
  expectAsked(1)
  await expect.poll(() => left, { timeout: 30_000 }).toBe(true)
  const failed = events.find(({ type }) => type === 'model-call.failed')
  const kept = JSON.stringify(failed?.data).length
  expect(kept).toBeGreaterThan(50_000)
  expect(kept).toBeLessThan(200_000)

  answer = (_request, response) => stream(response, chunk({ content: 'Here I am.' }, 'stop'))
  const { turn: next } = await client.sessions.sendAndWait(session, { content: 'Are you there?' })
  expect(next).toMatchObject({ status: 'completed', content: 'Here I am.' })
})
