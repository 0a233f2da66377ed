import { request as rawRequest } from 'node:http'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { type ErrorBody, encodeCursor } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endCursor, token, World } from './world.ts'

let world: World
let id: string
beforeAll(async () => {
  world = await World.start()
  id = await world.session()
})
afterAll(async () => {
  expect(await world.frames(id)).toHaveLength(1) // nothing of all this was written
  expect((await world.request('GET', '/health', { token: null })).status).toBe(200)
  expect(await world.close()).toEqual([])
})

const known = () => `Host: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n`

/** All that comes back for these bytes, until the connection ends. */
const overTcp = (bytes: string | Buffer, url = world.url) =>
  new Promise<string>((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes))
    let got = ''
    socket.on('data', (chunk) => {
      got += chunk
      if (got.includes('"error"')) socket.end()
    })
    socket.on('close', () => resolve(got))
  })

function errorIn(text: string): { status: number; code: string; message: string } {
  const { code, message } = JSON.parse(text.slice(text.indexOf('\r\n\r\n'))).error
  return { status: Number(text.split(' ')[1]), code, message }
}

const unknown = '01HZZZZZZZZZZZZZZZZZZZZZZZ'

test('a byte order mark before JSON is passed over', async () => {
  const { status } = await world.request('POST', `/v1/sessions`, { body: '\ufeff{"agent": "nobody"}' })
  expect(status).toBe(404) // It was read: there is no such agent.
})

test('HEAD is answered as GET is, without the body; a stream is none', async () => {
  const { status, json } = await world.request('HEAD', '/health')
  expect([status, json]).toEqual([200, undefined])
  expect((await world.request('HEAD', `/v1/sessions/${unknown}`)).status).toBe(404)
  expect((await world.request('HEAD', `/v1/sessions/${unknown}/events`)).status).toBe(405)
})

describe('one clear error', () => {
  const agent = 'helper'
  test.each<[string, string, string, unknown, number, string, string]>([
    ['an unknown route', 'GET', '/v1/nothing', undefined, 404, 'not_found', '/v1/nothing'],
    [
      'too long a part of a path',
      'GET',
      `/v1/sessions/${'a'.repeat(2_000)}`,
      undefined,
      400,
      'invalid_request',
      'too long',
    ],
    ['a wrong method', 'PATCH', '/v1/sessions', undefined, 405, 'method_not_allowed', 'POST'],
    ['an unknown agent', 'POST', '/v1/sessions', { agent: 'nobody' }, 404, 'agent_not_found', 'nobody'],
    ['a missing field', 'POST', '/v1/sessions', {}, 400, 'invalid_request', 'agent: is missing: give'],
    [
      'an unknown field',
      'POST',
      '/v1/sessions',
      { agent, mesage: 'x' },
      400,
      'invalid_request',
      'did you mean "message"',
    ],
    ['a wrong type', 'POST', '/v1/sessions', { agent: 5 }, 400, 'invalid_request', 'agent: must be a text'],
    ['a bad agent name', 'POST', '/v1/sessions', { agent: 'No Good' }, 400, 'invalid_request', 'agent: '],
    ['dots for a name', 'POST', '/v1/sessions', { agent: '..' }, 400, 'invalid_request', 'agent: '],
    [
      'a session without instance',
      'POST',
      '/v1/sessions',
      { agent, session: 's' },
      400,
      'invalid_request',
      'session: ',
    ],
    [
      'too long an instance',
      'POST',
      '/v1/sessions',
      { agent, instance: 'i'.repeat(150) },
      400,
      'invalid_request',
      '128',
    ],
    ['no body', 'POST', '/v1/sessions', undefined, 400, 'invalid_request', 'body'],
    ['no JSON', 'POST', '/v1/sessions', '{"agent": ', 400, 'invalid_json', 'not JSON'],
    ['an array', 'POST', '/v1/sessions', [], 400, 'invalid_request', 'must be a mapping, not a list'],
    ['a bad wait', 'POST', '/v1/sessions?wait=day', { agent, message: 'x' }, 400, 'invalid_request', 'wait: '],
    ['an unknown query field', 'GET', '/v1/sessions?page=2', undefined, 400, 'invalid_request', 'page: '],
    [
      'a token in the query',
      'GET',
      `/v1/sessions/${unknown}/state?token=x`,
      undefined,
      400,
      'invalid_request',
      'token: ',
    ],
    [
      'a number beyond all',
      'GET',
      `/v1/sessions/${unknown}/frames?after=1e308`,
      undefined,
      400,
      'invalid_request',
      'after: ',
    ],
    ['a status that is none', 'GET', '/v1/sessions?status=busy', undefined, 400, 'invalid_request', 'waiting'],
    ['an unknown session', 'GET', `/v1/sessions/${unknown}`, undefined, 404, 'session_not_found', unknown],
    ['what is no session id', 'GET', '/v1/sessions/>.*', undefined, 404, 'session_not_found', '>.*'],
    [
      'a message to nobody',
      'POST',
      `/v1/sessions/${unknown}/messages`,
      { content: 'x' },
      404,
      'session_not_found',
      unknown,
    ],
    ['steering nobody', 'POST', `/v1/sessions/${unknown}/pause`, undefined, 404, 'session_not_found', unknown],
    ['events of nobody', 'GET', `/v1/sessions/${unknown}/events`, undefined, 404, 'session_not_found', unknown],
    ['a bad agent name in a path', 'GET', '/v1/agents/A_b', undefined, 400, 'invalid_request', 'name: '],
    ['an encoded path', 'GET', '/v1/agents/%2e%2e', undefined, 404, 'not_found', '/v1/'],
    ['an escape that is none', 'GET', '/v1/agents/%zz', undefined, 400, 'invalid_request', 'URL'],
    ['an agent that is not there', 'GET', '/v1/agents/nobody', undefined, 404, 'agent_not_found', 'nobody'],
  ])('for %s', async (_what, method, path, body, status, code, says) => {
    const { status: got, json, headers } = await world.request(method, path, { body })
    expect({ status: got, code: json.error.code }).toEqual({ status, code })
    expect(json.error.message + (headers.get('allow') ?? '')).toContain(says)
    expect(json.error.next).toBeTruthy()
    expect(headers.get('x-request-id')).toBeTruthy()
  })

  test.each<[string, unknown, string, number]>([
    ['empty text', '', 'content', 400],
    ['empty parts', [{ type: 'text', text: '' }], 'content', 400],
    ['no parts', [], 'content', 400],
    ['an unknown part', [{ type: 'image', url: 'x' }], 'content[0]', 400],
    ['a number', 5, 'content', 400],
    ['a text that does not fit a frame', '\u0001'.repeat(300_000), 'bytes', 413],
  ])('for a message with %s', async (_what, content, says, status) => {
    const answer = await world.request('POST', `/v1/sessions/${id}/messages`, { body: { content } })
    expect(answer.status).toBe(status)
    expect(answer.json.error.message).toContain(says)
  })

  test('names every field that is wrong', async () => {
    const body = { content: 5, onBusy: 'wait', extra: 1 }
    const { json } = await world.request('POST', `/v1/sessions/${id}/messages`, { body })
    expect(json.error.details.problems.map(({ path }: { path: string }) => path)).toEqual(
      expect.arrayContaining(['content', 'onBusy', 'extra']),
    )
    const onBusy = json.error.details.problems.find(({ path }: { path: string }) => path === 'onBusy')
    expect(onBusy.message).toBe('must be one of queue, join, interrupt, reject, not the text "wait"')
  })

  test('for a message that is too long: its size, the limit, and what to do', async () => {
    const { status, json } = await world.request('POST', `/v1/sessions/${id}/messages`, {
      body: { content: 'x'.repeat(1_000_001) },
    })
    expect([status, json.error.code]).toEqual([413, 'body_too_large'])
    expect(json.error.message).toBe('The message has 1,000,028 bytes, and the server takes at most 1,000,000.')
    expect(json.error.next).toContain('file in the workspace')
    expect(json.error.details).toBeUndefined()
  })

  test('for a body that is too large: its size and the limit', async () => {
    const { status, json } = await world.request('POST', `/v1/sessions/${id}/messages`, {
      body: { content: 'x'.repeat(10_100_000) },
    })
    expect([status, json.error.code]).toEqual([413, 'body_too_large'])
    expect(json.error.message).toBe('The body has 10,100,014 bytes, and the server takes at most 10,000,000.')
  })

  test.each([
    ['with its length', false, 'The body has 40,000,000 bytes, and the server takes at most 10,000,000.'],
    ['in chunks', true, 'The body has more than 10,000,000 bytes, and the server takes at most 10,000,000.'],
  ])('for a body of 40 MB, sent to its end before anything is read, %s', async (_how, chunked, says) => {
    const path = `/v1/sessions/${id}/messages`
    const length = chunked ? 'Transfer-Encoding: chunked' : 'Content-Length: 40000000'
    const socket = connect(Number(new URL(world.url).port), '127.0.0.1')
    socket.pause()
    const send = (bytes: string | Buffer): Promise<void> =>
      new Promise((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve())))
    await send(
      `POST ${path} HTTP/1.1\r\nHost: ${new URL(world.url).host}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${length}\r\n\r\n`,
    )
    const million = Buffer.alloc(1_000_000, 'x')
    for (let i = 0; i < 40; i++) {
      if (chunked) await send('f4240\r\n')
      await send(million)
      if (chunked) await send('\r\n')
    }
    if (chunked) await send('0\r\n\r\n')
    let text = ''
    for await (const part of socket) {
      text += part
      if (text.includes('"next"')) break
    }
    socket.destroy()
    expect(text).toMatch(/^HTTP\/1.1 413 /)
    expect(text).toContain(says)
  })

  test('for a client that goes on sending without an end: it is cut off', async () => {
    const socket = connect(Number(new URL(world.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.write(
      `POST /v1/sessions/${id}/messages HTTP/1.1\r\nHost: ${new URL(world.url).host}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    )
    const chunk = Buffer.concat([Buffer.from('f4240\r\n'), Buffer.alloc(1_000_000, 'x'), Buffer.from('\r\n')])
    const more = (): void => {
      if (socket.writable) socket.write(chunk, (error) => error ?? setImmediate(more))
    }
    more()
    await closed
  })

  test('half a surrogate pair is no character: it becomes U+FFFD, in a message, a title and an agent', async () => {
    const body = `{"content": "a\\ud83d b \\ud83d\\ude00"}`
    const other = await world.session()
    expect((await world.request('POST', `/v1/sessions/${other}/messages`, { body })).status).toBe(202)
    const created = await world.request('POST', '/v1/sessions', { body: `{"agent": "helper", "title": "\\udc00"}` })
    expect(created.json.session.title).toBe('\ufffd')
    expect((await world.frames(other)).at(-1)?.events[0]).toMatchObject({
      data: { content: [{ type: 'text', text: 'a\ufffd b 😀' }] },
    })
    await world.request('PUT', '/v1/agents/helper', { body: `{"name": "helper", "system_prompt": "\\uD800"}` })
    expect(world.calls.at(-1)?.request).toMatchObject({ source: { definition: { system_prompt: '\ufffd' } } })
  })

  test('for a body that is encoded, with what to do; one that says that it is not is read', async () => {
    const body = gzipSync(JSON.stringify({ agent: 'helper' }))
    const post = (encoding: string, bytes: string | Uint8Array<ArrayBuffer>) =>
      fetch(`${world.url}/v1/sessions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-encoding': encoding },
        body: bytes,
      })
    for (const encoding of ['gzip', 'br', 'identity, gzip']) {
      const response = await post(encoding, body)
      const { error } = (await response.json()) as { error: ErrorBody }
      expect([response.status, error.code, error.next]).toEqual([
        415,
        'unsupported_media_type',
        'Send the body without Content-Encoding.',
      ])
    }
    expect((await post('identity', JSON.stringify({ agent: 'helper' }))).status).toBe(201)
  })

  test('for a media type that the route does not take', async () => {
    const text = await world.request('POST', `/v1/sessions/${id}/messages`, {
      body: 'hi',
      headers: { 'content-type': 'text/plain' },
    })
    expect([text.status, text.json.error.code]).toEqual([415, 'unsupported_media_type'])
    const yaml = await world.request('POST', `/v1/sessions/${id}/messages`, {
      body: 'content: hi',
      headers: { 'content-type': 'application/yaml' },
    })
    expect([yaml.status, yaml.json.error.code]).toEqual([415, 'unsupported_media_type'])
  })

  test('for an Accept that the route cannot meet', async () => {
    for (const path of [`/v1/sessions/${id}`, `/v1/sessions/${id}/events`]) {
      const { status, json } = await world.request('GET', path, { headers: { accept: 'image/png' } })
      expect([status, json.error.code]).toEqual([406, 'not_acceptable'])
    }
    const { status } = await world.request('GET', `/v1/sessions/${id}`, { headers: { accept: 'text/html, */*;q=0.1' } })
    expect(status).toBe(200)
  })

  test('for an Idempotency-Key that is none', async () => {
    const { status, json } = await world.request('POST', `/v1/sessions/${id}/messages`, {
      body: { content: 'x' },
      headers: { 'idempotency-key': 'k'.repeat(201) },
    })
    expect([status, json.error.code]).toEqual([400, 'invalid_request'])
  })

  test('for a body that is no UTF-8', async () => {
    const broken = Buffer.concat([
      Buffer.from('{"agent":"helper","title":"'),
      Buffer.from([0xff, 0xc0]),
      Buffer.from('"}'),
    ])
    const text = await overTcp(
      Buffer.concat([
        Buffer.from(
          `POST /v1/sessions HTTP/1.1\r\n${known()}Content-Type: application/json\r\nContent-Length: ${broken.length}\r\n\r\n`,
        ),
        broken,
      ]),
    )
    expect(errorIn(text)).toMatchObject({ status: 400, code: 'invalid_json', message: 'The body is not UTF-8.' })
  })

  test('for no page that is larger than memory should hold', async () => {
    const long = await world.session()
    await world.request('POST', `/v1/sessions/${long}/pause`)
    for (let i = 0; i < 8; i++)
      await world.request('POST', `/v1/sessions/${long}/messages`, { body: { content: `${i}`.repeat(900_000) } })
    for (const kind of ['events', 'frames'] as const) {
      const first = (await world.request('GET', `/v1/sessions/${long}/${kind}?limit=500`)).json
      expect([first[kind].length, first.more]).toEqual([7, true])
      const after = kind === 'events' ? first.cursor : first.frames.at(-1).seq
      const rest = (await world.request('GET', `/v1/sessions/${long}/${kind}?limit=500&after=${after}`)).json
      expect([rest[kind].length, rest.more]).toEqual([3, false])
    }
  })

  test('for more unknown fields than are told', async () => {
    const body = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${i}`, 1]))
    const { json } = await world.request('POST', '/v1/sessions', { body: { agent, ...body } })
    expect(json.error.message).toContain('k0: unknown field')
  })

  test.each<[string, () => string, number, string]>([
    ['no HTTP', () => 'HELLO\r\n\r\n', 400, 'not HTTP'],
    ['no Host', () => 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'no Host'],
    ['two Hosts', () => `GET /health HTTP/1.1\r\n${known()}Host: evil.example\r\n\r\n`, 400, 'more than one Host'],
    [
      'two tokens, of which the first is good',
      () => `GET /v1/agents HTTP/1.1\r\n${known()}authorization: Bearer reins_none\r\n\r\n`,
      400,
      'more than one Authorization',
    ],
    [
      'two tokens, of which the last is good',
      () => `GET /v1/agents HTTP/1.1\r\nAUTHORIZATION: Bearer reins_none\r\n${known()}\r\n`,
      400,
      'more than one Authorization',
    ],
    [
      'the same token twice, for a WebSocket',
      () =>
        `GET /v1/sessions/${unknown}/socket HTTP/1.1\r\n${known()}Authorization: Bearer ${token}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
      400,
      'more than one Authorization',
    ],
    ['a target with a host', () => `GET http://evil.example/health HTTP/1.1\r\n${known()}\r\n`, 400, 'not a path'],
    [
      'two lengths',
      () => `POST /v1/sessions HTTP/1.1\r\n${known()}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      'not HTTP',
    ],
    ['headers too large', () => `GET /health HTTP/1.1\r\n${known()}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers'],
  ])('for %s', async (_what, request, status, says) => {
    const answer = errorIn(await overTcp(request()))
    expect(answer).toMatchObject({ status, code: 'invalid_request' })
    expect(answer.message).toContain(says)
  })

  test('for a request that is never sent to its end', async () => {
    const slow = await World.start({ limits: { requestWithinMs: 50 } })
    const begun = `POST /v1/sessions HTTP/1.1\r\n${known()}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{`
    for (const part of ['GET /hea', begun])
      expect(errorIn(await overTcp(part, slow.url))).toMatchObject({ status: 408, code: 'invalid_request' })
    await slow.close()
  })

  test('but not to a connection on which nothing was said: it is closed', async () => {
    const slow = await World.start({ limits: { requestWithinMs: 50 } })
    expect(await overTcp('', slow.url)).toBe('')
    await slow.close()
  })

  test('but not for wishes that may be ignored', async () => {
    const upgrade =
      'Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
    for (const wish of [
      upgrade,
      'Connection: Upgrade, close\r\nUpgrade: h2c\r\n',
      'Expect: wonders\r\nConnection: close\r\n',
    ])
      expect(await overTcp(`GET /health HTTP/1.1\r\n${known()}${wish}\r\n`)).toMatch(/^HTTP\/1.1 200 /)
  })
})

describe('cursors', () => {
  test('that are none, of another session or tree, or beyond the end are refused over every door', async () => {
    const other = await world.session()
    const [frame] = await world.frames(id)
    const own = { of: id, tree: false, seq: frame!.seq, n: 1, i: 0 }
    const wrong: readonly [string, string][] = [
      ['nonsense!', 'none that this server made'],
      ['AAAA', 'none that this server made'],
      [endCursor(other, (await world.frames(other))[0]!), 'another session'],
      [encodeCursor({ ...own, tree: true }), 'tree'],
      [encodeCursor({ ...own, i: 1 }), 'beyond the end'],
      [encodeCursor({ ...own, n: 2, seq: own.seq + 100 }), 'beyond the end'],
      [encodeCursor({ ...own, n: 999, seq: 0 }), 'beyond the end'],
    ]
    for (const [cursor, says] of wrong) {
      const query = `after=${encodeURIComponent(cursor)}`
      const answers = [
        await world.request('GET', `/v1/sessions/${id}/events?${query}`),
        await world.request('GET', `/v1/sessions/${id}/events?${query}`, { headers: { accept: 'text/event-stream' } }),
        await world.request('GET', `/v1/sessions/${id}/state?at=${encodeURIComponent(cursor)}`),
      ]
      for (const { status, json } of answers) {
        expect([status, json.error.code]).toEqual([400, 'invalid_cursor'])
        expect(json.error.message).toContain(says)
      }
    }
    const moved = encodeCursor({ ...own, seq: own.seq + 7 })
    expect((await world.request('GET', `/v1/sessions/${id}/events?after=${moved}`)).json.events).toEqual([])
  })

  test('of a tree are for roots', async () => {
    const { status, json } = await world.request('GET', `/v1/sessions/${id}-0123456789abcdef/events?tree=true`)
    expect([status, json.error.code]).toEqual([400, 'invalid_request'])
  })
})

describe('who may ask', () => {
  test('nobody without a known token, on any route but the public ones', async () => {
    for (const token of [null, 'wrong', '']) {
      const { status, json, headers } = await world.request('GET', '/v1/sessions', { token })
      expect([status, json.error.code, headers.get('www-authenticate')]).toEqual([401, 'unauthorized', 'Bearer'])
    }
    expect((await world.request('GET', '/v1/sessions', { headers: { authorization: 'Basic x' } })).status).toBe(401)
    expect(
      (await world.request('GET', `/v1/sessions/${id}`, { token: null, headers: { cookie: 'token=test-token' } }))
        .status,
    ).toBe(401)
    // Before the body is looked at.
    expect((await world.request('POST', '/v1/sessions', { token: null, body: '{' })).status).toBe(401)
    for (const path of ['/health', '/ready', '/openapi.json'])
      expect((await world.request('GET', path, { token: null })).status).toBe(200)
    const metrics = await fetch(`${world.url}/metrics`)
    expect(metrics.status).toBe(401)
  })

  test('a token does what its permissions say', async () => {
    expect((await world.request('GET', `/v1/sessions/${id}`, { token: 'reader' })).status).toBe(200)
    const { status, json } = await world.request('POST', `/v1/sessions/${id}/pause`, { token: 'reader' })
    expect([status, json.error.code]).toEqual([403, 'forbidden'])
    expect(json.error.message).toContain('session:<agent>:cancel')
  })

  const ask = (headers: Record<string, string>) =>
    new Promise<number>((resolve, reject) => {
      rawRequest(`${world.url}/health`, { headers }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
        .on('error', reject)
        .end()
    })

  test('on loopback only under a loopback name, and no foreign page', async () => {
    const { port } = new URL(world.url)
    expect(await ask({ host: `localhost:${port}` })).toBe(200)
    expect(await ask({ host: `[::1]:${port}` })).toBe(200)
    expect(await ask({ host: 'evil.example' })).toBe(403)
    expect(await ask({ host: `127.0.0.1.evil.example:${port}` })).toBe(403)
    expect(await ask({ host: `localhost:${port}`, origin: 'http://evil.example' })).toBe(403)
    expect(await ask({ host: `localhost:${port}`, origin: 'null' })).toBe(403)
    expect(await ask({ host: `localhost:${port}`, origin: `http://localhost:${port}` })).toBe(200)
  })

  test('a request id that was given is kept, a bad one is replaced', async () => {
    const kept = await world.request('GET', '/health', { headers: { 'x-request-id': 'abc-1' } })
    expect(kept.headers.get('x-request-id')).toBe('abc-1')
    const replaced = await world.request('GET', '/health', { headers: { 'x-request-id': 'a b"c' } })
    expect(replaced.headers.get('x-request-id')).toMatch(/^[0-9a-f]{10}-[0-9a-z]+$/)
  })
})

describe('when the broker does not answer', () => {
  test('reads and writes say unavailable, and nothing of the reason leaks', async () => {
    const { BrokerUnavailable } = await import('@reins/broker')
    const broken = await World.start({ limits: { appendWithinMs: 20 } })
    const session = await broken.session()
    await broken.close()
    const away = () => Promise.reject(new BrokerUnavailable('secret details'))
    const down = await World.start({
      config: { sessions: { head: away, read: away, readTree: away, frameAt: away, forkOf: away, append: away } },
    })
    for (const [method, path, body] of [
      ['GET', `/v1/sessions/${session}`],
      ['GET', `/v1/sessions/${session}/events`],
      ['POST', `/v1/sessions/${session}/messages`, { content: 'x' }],
    ] as const) {
      const { status, json, headers } = await down.request(method, path, { body })
      expect([status, json.error.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '1'])
      expect(JSON.stringify(json)).not.toContain('secret')
    }
    await down.close()
  })

  test('what nobody expected is internal, without its text', async () => {
    const broken = await World.start({
      config: {
        health: () => {
          throw new Error('secret details')
        },
      },
    })
    const { status, json } = await broken.request('GET', '/health')
    expect([status, json.error.code]).toEqual([500, 'internal'])
    expect(JSON.stringify(json)).not.toContain('secret')
    await broken.close()
  })
})
