// Bad input, over every door: one clear error, the same everywhere, no trace, and the service as healthy as before.
import { encodeCursor } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { Product } from './product.ts'

let product: Product
let session: string
let ended: string
let traces: unknown

/** All that a request could have left behind. */
const kept = async () => ({
  agents: (await product.ask('GET', '/v1/agents?limit=500')).json.agents.map(({ name }: { name: string }) => name),
  frames: (await product.ask('GET', `/v1/sessions/${session}/frames`)).json.frames.length,
  ended: (await product.ask('GET', `/v1/sessions/${ended}/frames`)).json.frames.length,
})

beforeAll(async () => {
  product = await Product.start()
  await product.agent('helper', product.workspace)
  session = await product.session('helper')
  ended = await product.session('helper')
  await product.ask('POST', `/v1/sessions/${ended}/end`)
  await eventually(async () => (await product.ask('GET', `/v1/sessions/${ended}`)).json.status === 'ended')
  traces = await kept()
})

afterAll(async () => {
  expect(await kept()).toEqual(traces)
  await eventually(async () => (await product.ask('GET', '/health')).json.status === 'ok')
  expect(await product.turn(session, 'say still here')).toBe('still here')
  expect(await product.close()).toEqual([])
})

const nobody = '01HZZZZZZZZZZZZZZZZZZZZZZZ'

/** In every answer: a code, what is wrong, what to do, and nothing of the inside. */
function expectClear(error: { code: string; message: string; next: string }, code: string, says: string): void {
  expect(error).toMatchObject({ code, message: expect.stringContaining(says), next: expect.stringMatching(/./) })
  expect(JSON.stringify(error)).not.toMatch(/\bat .*\.(ts|js):\d+|node_modules|\.reins/)
}

describe('the same error over HTTP, SSE, NDJSON, WebSocket and the command line', () => {
  const doors = ['application/json', 'text/event-stream', 'application/x-ndjson']

  test('for a session that is not there', async () => {
    for (const accept of doors) {
      const { status, json } = await product.ask('GET', `/v1/sessions/${nobody}/events`, undefined, { accept })
      expect(status).toBe(404)
      expectClear(json.error, 'session_not_found', nobody)
    }
    const socket = await product.refusedSocket(`/v1/sessions/${nobody}/socket`)
    expect(socket.status).toBe(404)
    expectClear(socket.json.error, 'session_not_found', nobody)
    const cli = await product.cli('session', 'show', nobody)
    expect([cli.code, cli.err]).toEqual([1, expect.stringContaining(`There is no session ${nobody}.\nCheck the id`)])
  })

  test('for cursors that are forged, foreign, or beyond the end', async () => {
    const own = { of: session, tree: false, seq: 1, n: 1, i: 0 }
    const forged = [
      'junk',
      encodeCursor({ ...own, of: ended }),
      encodeCursor({ ...own, n: Number.MAX_SAFE_INTEGER, seq: Number.MAX_SAFE_INTEGER }),
      encodeCursor({ ...own, n: -1 }),
      Buffer.from('["__proto__",1,1,0]').toString('base64url'),
    ]
    for (const cursor of forged) {
      for (const accept of doors) {
        const target = `/v1/sessions/${session}/events?after=${cursor}`
        const { status, json } = await product.ask('GET', target, undefined, { accept })
        expect(status).toBe(400)
        expectClear(json.error, 'invalid_cursor', 'The cursor is not valid')
      }
      const socket = await product.refusedSocket(`/v1/sessions/${session}/socket?after=${cursor}`)
      expectClear(socket.json.error, 'invalid_cursor', 'The cursor is not valid')
    }
  })

  test('for a message to a session that has ended, and one that is wrong', async () => {
    const messages = [
      [{ content: 'Hi' }, 'session_ended', 'ended'],
      [{ content: 5 }, 'invalid_request', 'content: must be a text'],
      [{ content: 'Hi', extra: 1 }, 'invalid_request', 'extra: unknown field'],
      [{ content: '' }, 'invalid_request', 'content: '],
    ] as const
    const replies = await product.socket(
      ended,
      messages.map(([body]) => ({ type: 'message', ...body })),
    )
    for (const [i, [body, code, says]] of messages.entries()) {
      expectClear((await product.ask('POST', `/v1/sessions/${ended}/messages`, body)).json.error, code, says)
      expectClear(replies[i].error, code, says)
    }
    const cli = await product.cli('session', 'cancel', ended)
    expect([cli.code, cli.err]).toEqual([
      1,
      expect.stringContaining('The session has ended.\nStart a new session: reins chat'),
    ])
  })

  test('for a token that is wrong, missing, or in the address', async () => {
    const target = `/v1/sessions/${session}`
    for (const authorization of ['', 'Bearer wrong', 'Basic YTpi'])
      expectClear((await product.ask('GET', target, undefined, { authorization })).json.error, 'unauthorized', 'oken')
    const inAddress = await product.ask('GET', `${target}?token=${product.token}`, undefined, { authorization: '' })
    expect(inAddress.status).toBe(401)
    expect((await product.refusedSocket(`${target}/socket`, '')).status).toBe(401)
    expect((await product.refusedSocket(`${target}/socket?token=${product.token}`, '')).status).toBe(401)
    const cli = await product.cli('session', 'show', session, '--token', 'wrong')
    expect([cli.code, cli.err]).toEqual([1, expect.stringContaining('The bearer token is not known')])
  })

  test('for foreign pages and names that were bound to this machine', async () => {
    const named = (host: string, more = '') =>
      product.tcp(`GET /health HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`)
    for (const host of ['evil.example', '127.0.0.1.evil.example', 'evil@localhost', `0.0.0.0:${product.port}`])
      expect(await named(host)).toMatch(/^HTTP\/1.1 403 /)
    expect(await named(`localhost:${product.port}`, 'Origin: http://evil.example\r\n')).toMatch(/^HTTP\/1.1 403 /)
    expect(await named('127.0.0.1', 'Host: evil.example\r\n')).toMatch(/^HTTP\/1.1 400 /)
    const page = `Authorization: Bearer ${product.token}\r\nOrigin: http://evil.example\r\n`
    expect((await product.refusedSocket(`/v1/sessions/${session}/socket`, page)).status).toBe(403)
  })
})

describe('agents', () => {
  const yaml = { 'content-type': 'application/yaml' }
  const head = 'model: scripted/assistant\nsystem_prompt: x\n'
  const bomb = `a0: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join('\n')}\n`

  test.each<[string, string, string]>([
    ['a tab', `name: bad\n\t${head}`, 'tab'],
    ['a key that stands twice', `name: bad\n${head}model: scripted/echo\n`, 'twice'],
    ['aliases that explode', `name: bad\n${head}${bomb}`, 'aliases'],
    ['brackets without end', '['.repeat(400_000), 'nested'],
    ['a model that nobody provides', 'name: bad\nmodel: nobody/x\nsystem_prompt: x\n', 'nobody provides'],
    ['a field that is none', `name: bad\n${head}colour: red\n`, 'colour'],
    ['code that did not come with it', `name: bad\n${head}workflow_file: chat.ts\n`, 'workflow_file'],
  ])('with %s', async (_what, text, says) => {
    const { status, json } = await product.ask('PUT', '/v1/agents/bad', text, yaml)
    expect(status).toBe(422)
    expect(json.error.message).toContain(says)
  })

  test('with keys that would reach into the program', async () => {
    const definition = '{"name":"bad","model":"scripted/assistant","system_prompt":"x"'
    for (const more of [',"__proto__":{"a":1}}', ',"constructor":{"prototype":{}}}', ',"tools":["constructor"]}'])
      expect((await product.ask('PUT', '/v1/agents/bad', definition + more)).status).toBe(422)
    expect((await product.ask('POST', '/v1/sessions', '{"agent":"helper","__proto__":{"a":1}}')).status).toBe(400)
  })

  test.each(['..%2F..%2Fetc', 'No', 'a--b', '-a', 'a%00b', 'a%0d%0ab', '__proto__', 'a'.repeat(65), '%3E', '*'])(
    'named %s',
    async (name) => {
      const { status, json } = await product.ask('PUT', `/v1/agents/${name}`, { name: 'bad' })
      expect([status, json.error.code]).toEqual([400, 'invalid_request'])
    },
  )
})

describe('sizes and shapes', () => {
  test('a body that is too large, too deep, no JSON, no UTF-8, of another kind', async () => {
    const target = `/v1/sessions/${session}/messages`
    const post = async (body: string, headers?: Record<string, string>) => {
      const { status, json } = await product.ask('POST', target, body, headers)
      return [status, json.error.code]
    }
    expect(await post(`{"content":"${'x'.repeat(2_100_000)}"}`)).toEqual([413, 'body_too_large'])
    expect(await post('['.repeat(900_000))).toEqual([400, 'invalid_json'])
    expect(await post(`{"content":${'['.repeat(400_000)}${']'.repeat(400_000)}}`)).toEqual([400, 'invalid_json'])
    expect(await post('content=x', { 'content-type': 'text/plain' })).toEqual([415, 'unsupported_media_type'])
    const bytes = Buffer.from('7b22636f6e74656e74223a22ff227d', 'hex')
    const answer = await product.tcp(
      Buffer.concat([
        Buffer.from(
          `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${product.token}\r\nContent-Type: application/json\r\nContent-Length: ${bytes.length}\r\n\r\n`,
        ),
        bytes,
      ]),
    )
    expect(answer).toContain('The body is not UTF-8.')
  })

  test('numbers that are none, negative, or beyond all', async () => {
    for (const query of ['limit=0', 'limit=-1', 'limit=1e309', 'limit=5&limit=6', 'deltas=maybe', '__proto__=1'])
      expect([query, (await product.ask('GET', `/v1/sessions/${session}/events?${query}`)).status]).toEqual([
        query,
        400,
      ])
    expect((await product.ask('GET', `/v1/sessions/${session}/frames?after=1e308`)).status).toBe(400)
    const last = await product.ask('GET', `/v1/sessions/${session}/frames?after=${Number.MAX_SAFE_INTEGER}`)
    expect(last.json.frames).toEqual([])
  })

  test('1 MB and binary over the WebSocket: one error and the end of it, and nothing behind it is done', async () => {
    for (const [first, code] of [
      ['x'.repeat(1_048_576), 'body_too_large'],
      ['{"type":', 'invalid_json'],
    ] as const) {
      const [reply] = await product.socket(session, [first])
      expect(reply.error.code).toBe(code)
    }
  })

  test('one Idempotency-Key with two bodies, at once', async () => {
    const sent = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        product.ask('POST', `/v1/sessions/${ended}/end`, i % 2 === 0 ? undefined : {}, { 'idempotency-key': 'k' }),
      ),
    )
    expect(new Set(sent.map(({ status }) => status))).toEqual(new Set([200]))
    const keyed = { 'idempotency-key': 'create' }
    const [a, b] = [
      { agent: 'helper', title: 'a' },
      { agent: 'helper', title: 'b' },
    ]
    const created = await Promise.all([a, b, a, b].map((body) => product.ask('POST', '/v1/sessions', body, keyed)))
    expect(new Set(created.filter(({ status }) => status === 201).map(({ json }) => json.session.id)).size).toBe(1)
    expect(created.filter(({ json }) => json.error?.code === 'idempotency_conflict')).toHaveLength(2)
  })
})
