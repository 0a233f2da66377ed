import { describe, expect, test } from 'vitest'
import { createClient } from './client.ts'
import type { FollowItem } from './follow.ts'
import { isLoopback } from './transport/loopback.ts'
import { withoutCredentials } from './transport/shown-url.ts'

const root = 'http://127.0.0.1:7420'

/** A stream of server-sent events that ends after its last piece. */
const events = (...pieces: readonly string[]): Response =>
  new Response(new Blob(pieces.map((piece) => piece)).stream(), { headers: { 'content-type': 'text/event-stream' } })
const sse = (item: object & { cursor: string; type: string }) =>
  `id: ${item.cursor}\nevent: ${item.type}\ndata: ${JSON.stringify(item)}\n\n`
const event = (n: number, type = 'session.renamed', data: object = {}) => ({
  ...{ cursor: `c${n}`, n, i: 0, at: 1, by: 'x', type, data },
})
const delta = (cursor: string, call: string, offset: number, text: string) => ({
  ...{ cursor, type: 'delta', data: { call, attempt: 1, block: 0, kind: 'text', offset, text } },
})
const failure = (status: number, code: string) =>
  new Response(JSON.stringify({ error: { code, message: 'No.' } }), { status })

/** Follows through the given answers, one a connection, until `last` items came. */
async function through(
  answers: readonly (() => Response)[],
  last: number,
  token: string | (() => Promise<string>) = 't',
) {
  const asked: string[] = []
  const waits: number[] = []
  const stop = new AbortController()
  const client = createClient({
    baseUrl: root,
    token,
    fetch: async (url) => {
      asked.push(new URL(url).search)
      const next = answers[asked.length - 1]
      if (!next) throw new Error('asked too often')
      return next()
    },
    wait: async (ms) => {
      waits.push(ms)
    },
  })
  const got: FollowItem[] = []
  for await (const item of client.sessions.follow('s', { signal: stop.signal })) {
    got.push(item)
    if (got.length === last) stop.abort()
  }
  return { asked, waits, got: got.map((item) => ('cursor' in item ? item.cursor : item.state)), items: got }
}

describe('following', () => {
  test('goes on with the next token where tokens are refreshed, and believes a server that takes that neither', async () => {
    const tokens = ['one', 'two', 'three']
    const next = async () => tokens.shift() ?? 'none'
    const ended = 'event: error\ndata: {"error":{"code":"unauthorized","message":"The token has expired."}}\n\n'
    const run = await through([() => events(sse(event(1)), ended), () => events(sse(event(2)))], 4, next)
    expect(run.got).toEqual(['c1', 'lost', 'back', 'c2'])
    expect(run.asked).toEqual(['', '?after=c1'])
    await expect(
      through([() => events(sse(event(1)), ended), () => failure(401, 'unauthorized')], 4, next),
    ).rejects.toMatchObject({ code: 'unauthorized' })
    // A token that stays the same is over.
    await expect(through([() => events(sse(event(1)), ended)], 4)).rejects.toMatchObject({ code: 'unauthorized' })
  })

  test('goes on from the last cursor, and says once that the connection was lost and is back', async () => {
    const refused = () => {
      throw new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } })
    }
    const run = await through(
      [
        () => events(sse(event(1)), sse(event(2))),
        refused,
        () => failure(503, 'unavailable'),
        () => events(sse(event(3))),
      ],
      5,
    )
    expect(run.got).toEqual(['c1', 'c2', 'lost', 'back', 'c3'])
    expect(run.asked).toEqual(['', '?after=c2', '?after=c2', '?after=c2'])
    expect(run.waits).toEqual([250, 500, 1000])
  })

  test('connects again when the server says that it was too slow', async () => {
    const slow = 'event: error\ndata: {"error":{"code":"slow_consumer","message":"Too slow."}}\n\n'
    const run = await through([() => events(sse(event(1)), slow), () => events(sse(event(2)))], 4)
    expect(run.got).toEqual(['c1', 'lost', 'back', 'c2'])
    expect(run.items[1]).toMatchObject({ error: { code: 'slow_consumer' } })
  })

  test('gives each character of parallel answers once', async () => {
    const run = await through(
      [
        () => events(sse(delta('a1', 'a', 0, 'Hel')), sse(delta('b1', 'b', 0, 'Good'))),
        () =>
          events(sse(delta('a2', 'a', 0, 'Hello')), sse(delta('b2', 'b', 4, ' day')), sse(delta('b3', 'b', 4, ' day'))),
        () => events(sse(event(9))),
      ],
      9,
    )
    const texts = run.items.flatMap((item) =>
      item.type === 'delta' && 'data' in item ? [(item.data as { text: string }).text] : [],
    )
    expect(texts).toEqual(['Hel', 'Good', 'lo', ' day'])
  })

  test('ends with what cannot get better', async () => {
    await expect(through([() => failure(404, 'session_not_found')], 1)).rejects.toMatchObject({
      code: 'session_not_found',
    })
    await expect(through([() => failure(401, 'unauthorized')], 1)).rejects.toMatchObject({ code: 'unauthorized' })
  })

  test('gives a silent connection up', async () => {
    let connections = 0
    const stop = new AbortController()
    const client = createClient({
      baseUrl: root,
      silenceMs: 1,
      wait: async () => {},
      fetch: async (_url, { signal }) => {
        if (++connections > 1) return events(sse(event(1)))
        const silent = new ReadableStream({
          start: (controller) => signal?.addEventListener('abort', () => controller.error(signal.reason)),
        })
        return new Response(silent)
      },
    })
    const got: string[] = []
    for await (const item of client.sessions.follow('s', { signal: stop.signal })) {
      got.push('state' in item ? item.state : item.type)
      if (got.length === 3) stop.abort()
    }
    expect(got).toEqual(['lost', 'back', 'session.renamed'])
  })
})

describe('errors', () => {
  test('say that nobody is there, and what to do', async () => {
    const client = createClient({
      baseUrl: root,
      fetch: async () => {
        throw new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } })
      },
    })
    await expect(client.health()).rejects.toMatchObject({
      code: 'unavailable',
      message: `Cannot reach ${root} (ECONNREFUSED).`,
      next: expect.stringContaining('npm start'),
    })
  })

  test.each([
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'Try http://reins.test'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'NODE_EXTRA_CA_CERTS'],
    ['ENOTFOUND', 'no such host'],
  ])('say what to do about %s', async (code, next) => {
    const client = createClient({
      baseUrl: 'https://reins.test',
      fetch: async () => {
        throw new TypeError('fetch failed', { cause: { code } })
      },
    })
    await expect(client.health()).rejects.toMatchObject({ next: expect.stringContaining(next) })
  })

  test('of a server that is no Reins server say so', async () => {
    const answering = (response: () => Response) => createClient({ baseUrl: root, fetch: async () => response() })
    await expect(answering(() => new Response('<html>', { status: 200 })).health()).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('Is it a Reins server?'),
    })
    await expect(answering(() => new Response('Bad gateway', { status: 502 })).health()).rejects.toMatchObject({
      code: 'unavailable',
    })
  })
})

test.each([
  ['no list', { sessions: 'none' }, 'sessions is no list'],
  ['no object', [], 'it is no object'],
  ['a session without a name', { sessions: [{}] }, 'sessions[0].id is no text'],
  [
    'a time that is none',
    { sessions: [{ id: 's', agent: 'a', digest: 'd', status: 'idle', turns: 1, usage: {}, createdAt: 'yesterday' }] },
    'sessions[0].createdAt is no time',
  ],
])('an answer that is %s is refused, and says what is wrong', async (_what, body, says) => {
  const client = createClient({ baseUrl: root, fetch: async () => Response.json(body) })
  await expect(client.sessions.list()).rejects.toMatchObject({
    code: 'internal',
    message: `${root} sent an answer that this version of Reins does not understand: ${says}.`,
  })
})

test('a definition goes as YAML or JSON; with code as JSON beside it', async () => {
  const asked: unknown[] = []
  const definition = { name: 'a', model: 'x/y', system_prompt: 'z' }
  const agent = { ...{ name: 'a', digest: 'd', version: 1, createdAt: 1, updatedAt: 1 }, definition }
  const client = createClient({
    baseUrl: root,
    fetch: async (_url, { headers, body }) => {
      asked.push([new Headers(headers).get('content-type'), body])
      return Response.json({ agent, outcome: 'created' })
    },
  })
  const files = [{ file: './a.ts', text: 'x' }]
  await client.agents.put('a', { yaml: 'name: a' })
  await client.agents.put('a', { definition, files: [] })
  await client.agents.put('a', { yaml: 'name: a', files })
  await client.agents.put('a', { definition, files })
  expect(asked).toEqual([
    ['application/yaml', 'name: a'],
    ['application/json', JSON.stringify(definition)],
    ['application/json', JSON.stringify({ yaml: 'name: a', files })],
    ['application/json', JSON.stringify({ definition, files })],
  ])
})

test('a password in the address of the server is refused, and never printed', async () => {
  const client = createClient({ baseUrl: 'http://ann:s3cret@reins.example', fetch: async () => Response.json({}) })
  const refusal = await client.health().catch((error: unknown) => error)
  expect(refusal).toMatchObject({ message: expect.stringContaining('http://reins.example, holds a user name') })
  expect(JSON.stringify(refusal)).not.toContain('s3cret')
  expect(withoutCredentials('//ann:s3cret@x y')).toBe('//x y')
  expect(withoutCredentials('ann:s3cret@host')).toBe('host')
})

test('events are read wherever the connection cuts them, past comments, fields without a meaning and foreign line ends', async () => {
  const [first, second] = [event(1), event(2)]
  const text = `\ufeff: hello\nretry: 5\n\nid: c1\nevent: x\ndata: ${JSON.stringify(first)}\n\n\r\nevent: nothing\n\ndata:${JSON.stringify(second)}\r\n\r\n`
  for (const size of [1, 2, 3, 7, 50, text.length]) {
    const bytes = new TextEncoder().encode(text)
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size))
        controller.close()
      },
    })
    expect((await through([() => new Response(body)], 2)).got).toEqual(['c1', 'c2'])
  }
})

test.each([
  ['http://127.0.0.1:7420', true],
  ['http://localhost', true],
  ['https://[::1]:1', true],
  ['http://127.9.9.9', true],
  ['http://127.0.0.1.example.org', false],
  ['http://localhost.example.org', false],
  ['http://10.0.0.1', false],
  ['no address', false],
])('%s is this machine itself: %s', (address, own) => expect(isLoopback(address)).toBe(own))

test('a server that takes a request and never answers is given up; the end of a turn is waited for', async () => {
  const asked: boolean[] = []
  const ended = { turn: { id: 't1', status: 'completed' }, cursor: 'c1' }
  const client = createClient({
    baseUrl: root,
    answerWithinMs: 1,
    fetch: (url, { signal }) => {
      const waits = new URL(url).searchParams.get('wait') === 'turn'
      asked.push(waits)
      if (waits) return new Promise((resolve) => setImmediate(() => setImmediate(() => resolve(Response.json(ended)))))
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    },
  })
  await expect(client.sessions.list()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('gave no whole answer within'),
  })
  await client.sessions.sendAndWait('s', { content: 'hello' })
  expect(asked).toEqual([false, true])
})

test('dispatch gives an instance a message, once for its key, and gives a receipt of plain JSON', async () => {
  const asked: unknown[] = []
  const session = {
    ...{ id: 'i1', agent: 'ticket', digest: 'd', status: 'idle', turns: 0, usage: {} },
    ...{ createdAt: 0, lastActivityAt: 1_000 },
  }
  const client = createClient({
    baseUrl: root,
    fetch: async (_url, { headers, body }) => {
      asked.push([new Headers(headers).get('idempotency-key'), JSON.parse(String(body))])
      return Response.json({ session, messageId: 'm1', cursor: 'c1' })
    },
  })
  const input = { type: 'comment', text: 'Hi' }
  const receipt = await client.dispatch({ agent: 'ticket', id: 't-7', session: 'hooks', input, idempotencyKey: 'k' })
  expect(receipt).toEqual({ dispatchId: 'm1', acceptedAt: '1970-01-01T00:00:01.000Z' })
  const message = JSON.stringify(input, null, 2)
  expect(asked).toEqual([['k', { agent: 'ticket', instance: 't-7', session: 'hooks', message }]])
  await expect(client.dispatch({ agent: 'ticket', id: 't-7', input: undefined })).rejects.toThrow('has no input')
})
