import { Metrics } from '@reins/telemetry'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { begin, token, World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.start()
})
afterAll(async () => {
  expect(await world.close()).toEqual([])
})

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
type Message = any

class Client {
  readonly socket: WebSocket
  readonly closed: Promise<{ code: number; reason: string }>
  readonly opened: Promise<void>
  readonly refused: Promise<{ status: number; body: Message }>
  readonly #got: Message[] = []
  readonly #waiting: ((message: Message) => void)[] = []

  constructor(path: string, options: { protocols?: string[]; headers?: Record<string, string> } = {}) {
    const { protocols = [], headers = { authorization: `Bearer ${token}` } } = options
    this.socket = new WebSocket(world.url.replace('http', 'ws') + path, protocols, { headers })
    this.socket.on('message', (data) => {
      const message = JSON.parse(String(data))
      const next = this.#waiting.shift()
      if (next) next(message)
      else this.#got.push(message)
    })
    this.socket.on('error', () => {})
    this.opened = new Promise((resolve) => this.socket.once('open', () => resolve()))
    this.closed = new Promise((resolve) =>
      this.socket.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
    )
    this.refused = new Promise((resolve) =>
      this.socket.once('unexpected-response', (_request, response) => {
        let text = ''
        response.on('data', (chunk) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }))
      }),
    )
  }

  next(): Promise<Message> {
    const message = this.#got.shift()
    return message ? Promise.resolve(message) : new Promise((resolve) => this.#waiting.push(resolve))
  }

  async reply(): Promise<Message> {
    for (;;) {
      const message = await this.next()
      if (message.type === 'reply') return message
    }
  }

  async say(command: unknown): Promise<void> {
    await this.opened
    this.socket.send(typeof command === 'string' ? command : JSON.stringify(command))
  }
}

describe('the WebSocket', () => {
  test('gives history and what comes, and answers each command', async () => {
    const id = await world.session()
    const client = new Client(`/v1/sessions/${id}/socket`)
    expect(await client.next()).toMatchObject({ n: 1, i: 0, type: 'session.started' })
    await client.say({ type: 'message', ref: 'a', content: 'Hi' })
    const both = [await client.next(), await client.next()]
    const reply = both.find(({ type }) => type === 'reply')
    const event = both.find(({ type }) => type === 'message.received')
    expect(reply).toMatchObject({ ref: 'a', ok: true, status: 202, value: { messageId: event.data.message } })
    await world.append(id, [...begin('t1', event.data.message)], { status: 'running' })
    expect([(await client.next()).type, (await client.next()).type]).toEqual(['turn.started', 'model-call.started'])
    world.delta(id, 'Hel', 0)
    expect(await client.next()).toMatchObject({ type: 'delta', data: { offset: 0, text: 'Hel' } })
    await client.say({ type: 'pause', ref: 'b' })
    expect(await client.reply()).toMatchObject({ ref: 'b', ok: true, value: { status: 'paused' } })
    const again = new Client(`/v1/sessions/${id}/socket?after=${event.cursor}&deltas=false`)
    expect((await again.next()).type).toBe('turn.started')
    again.socket.close()
    client.socket.close()
  })

  test('a message with an idempotency key is the same one as over HTTP', async () => {
    const id = await world.session()
    const client = new Client(`/v1/sessions/${id}/socket`)
    await client.say({ type: 'message', content: 'Hi', idempotencyKey: 'k' })
    const { value } = await client.reply()
    const http = await world.request('POST', `/v1/sessions/${id}/messages`, {
      body: { content: 'Hi' },
      headers: { 'idempotency-key': 'k' },
    })
    expect(http.json).toEqual(value)
    client.socket.close()
  })

  test('whoever reads a tree pauses all of it, and answers for sessions of it, and of no other', async () => {
    const id = await world.session()
    const client = new Client(`/v1/sessions/${id}/socket?tree=true`)
    await client.next()
    const child = `${id}-0123456789abcdef`
    await client.say({ type: 'decide', session: child, call: 'k1', verdict: 'approved' })
    expect(await client.reply()).toMatchObject({ ok: false, error: { code: 'session_not_found' } })
    const other = await world.session()
    await client.say({ type: 'decide', session: other, call: 'k1', verdict: 'approved' })
    expect(await client.reply()).toMatchObject({ ok: false, error: { code: 'invalid_request' } })
    await client.say({ type: 'pause', tree: true })
    expect(await client.reply()).toMatchObject({ ok: true, value: { status: 'paused' } })
    const { json } = await world.request('GET', `/v1/sessions/${id}/stop`)
    expect(json.stop).toMatchObject({ what: 'pause', complete: true, sessions: 1 })
    client.socket.close()
  })

  test('grants are listed and taken back as over HTTP, and of no other tree', async () => {
    const id = await world.session()
    const client = new Client(`/v1/sessions/${id}/socket`)
    await client.next()
    await client.say({ type: 'grants', ref: 'g' })
    expect(await client.reply()).toMatchObject({ ref: 'g', ok: true, status: 200, value: { grants: [] } })
    await client.say({ type: 'revoke', grant: 'none' })
    const http = await world.request('DELETE', `/v1/sessions/${id}/grants?grant=none`)
    expect(await client.reply()).toMatchObject({ ok: false, error: { code: http.json.error.code } })
    await client.say({ type: 'grants', session: await world.session() })
    expect(await client.reply()).toMatchObject({ ok: false, error: { code: 'invalid_request' } })
    client.socket.close()
  })

  test('what is wrong with a command is said in its reply, and the socket goes on', async () => {
    const id = await world.session()
    const client = new Client(`/v1/sessions/${id}/socket`)
    await client.next()
    const wrong: readonly [unknown, string][] = [
      ['{"type":', 'invalid_json'],
      [{ type: 'dance', ref: 'x' }, 'invalid_request'],
      [{ type: 'message', ref: 'x' }, 'invalid_request'],
      [{ type: 'resume', ref: 'x' }, 'session_conflict'],
      [[], 'invalid_request'],
    ]
    for (const [command, code] of wrong) {
      await client.say(command)
      expect(await client.reply()).toMatchObject({ ok: false, error: { code } })
    }
    await client.say({ type: 'pause', ref: 'still there' })
    expect(await client.reply()).toMatchObject({ ref: 'still there', ok: true })
    client.socket.close()
  })

  test('what is wrong with a command is said of its own form alone', async () => {
    const id = await world.session()
    const client = new Client(`/v1/sessions/${id}/socket`)
    const problemOf = async (command: unknown) => {
      await client.say(command)
      const { error } = await client.reply()
      return error.details.problems
    }
    expect(await problemOf({ type: 'message', content: 5 })).toEqual([
      { path: 'content', message: expect.stringMatching(/^must be a text .* or a list, not 5$/) },
    ])
    expect(await problemOf({ type: 'cancel', reason: 'x' })).toEqual([
      { path: 'reason', message: 'unknown field "reason"; valid fields: type, ref' },
    ])
    expect(await problemOf({ type: 'dance' })).toEqual([
      {
        path: 'type',
        message: expect.stringMatching(/^must be one of message, decide, answer, cancel, .*, not the text "dance"/),
      },
    ])
    client.socket.close()
  })

  test('after a binary message nothing more is done', async () => {
    const id = await world.session()
    const client = new Client(`/v1/sessions/${id}/socket`)
    await client.opened
    client.socket.send(Buffer.from([1]))
    await client.say({ type: 'message', content: 'too late' })
    expect((await client.closed).code).toBe(1003)
    expect(await world.frames(id)).toHaveLength(1)
  })

  test('a client that sends and never reads its replies is cut off', async () => {
    const metrics = new Metrics()
    const small = await World.start({ limits: { maxStreamBufferBytes: 65_536 }, config: { metrics } })
    const id = await small.session()
    const socket = new WebSocket(`${small.url.replace('http', 'ws')}/v1/sessions/${id}/socket`, {
      headers: { authorization: `Bearer ${token}` },
    })
    await new Promise((resolve) => socket.once('open', resolve))
    const cut = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {})
    socket.pause()
    const wrong = JSON.stringify(Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`k${i}`, i])))
    // Its stream and its replies may both be found too slow before this looks again.
    while (!/reins_gateway_slow_consumers_total [1-9]/.test((await metrics.text()).body)) {
      for (let i = 0; i < 200 && socket.bufferedAmount < 1_000_000; i++) socket.send(wrong)
      await new Promise((resolve) => setImmediate(resolve))
    }
    socket.resume()
    await cut
    await small.close()
  })

  test('commands are done in their order, however many come at once', async () => {
    const id = await world.session()
    const client = new Client(`/v1/sessions/${id}/socket?deltas=false`)
    await client.opened
    for (let i = 0; i < 200; i++) await client.say({ type: 'message', ref: `${i}`, content: `${i}` })
    const refs: string[] = []
    while (refs.length < 200) refs.push((await client.reply()).ref)
    expect(refs).toEqual(Array.from({ length: 200 }, (_, i) => `${i}`))
    client.socket.close()
  })

  test('1 MB in one message, and binary, are one error and the end of the socket', async () => {
    const id = await world.session()
    const big = new Client(`/v1/sessions/${id}/socket`)
    await big.opened
    await big.say({ type: 'message', content: 'x'.repeat(1_048_576) })
    expect(await big.reply()).toMatchObject({
      ok: false,
      error: {
        code: 'body_too_large',
        message: 'The message has 1,048,607 bytes, and the server takes at most 1,000,000.',
      },
    })
    expect((await big.closed).code).toBe(1009)
    const binary = new Client(`/v1/sessions/${id}/socket`)
    await binary.opened
    binary.socket.send(Buffer.from([1, 2, 3]))
    expect(await binary.reply()).toMatchObject({ ok: false, error: { code: 'invalid_request' } })
    expect((await binary.closed).code).toBe(1003)
    const huge = new Client(`/v1/sessions/${id}/socket`)
    await huge.opened
    await huge.say('x'.repeat(5_000_000))
    expect([1006, 1009]).toContain((await huge.closed).code)
    expect(await world.frames(id)).toHaveLength(1)
  })

  test('who may not, or asks for what is not there, is told in HTTP', async () => {
    const id = await world.session()
    expect(await new Client(`/v1/sessions/${id}/socket`, { headers: {} }).refused).toMatchObject({
      status: 401,
      body: { error: { code: 'unauthorized' } },
    })
    expect(await new Client('/v1/sessions/01HZZZZZZZZZZZZZZZZZZZZZZZ/socket').refused).toMatchObject({ status: 404 })
    expect(await new Client(`/v1/sessions/${id}/socket?after=AAAA`).refused).toMatchObject({
      body: { error: { code: 'invalid_cursor' } },
    })
    expect(await new Client(`/v1/sessions/${id}/socket?token=${token}`, { headers: {} }).refused).toMatchObject({
      status: 401,
    })
    const foreign = { authorization: `Bearer ${token}`, origin: 'http://evil.example' }
    expect(await new Client(`/v1/sessions/${id}/socket`, { headers: foreign }).refused).toMatchObject({ status: 403 })
    expect((await world.request('GET', `/v1/sessions/${id}/socket`)).json.error.code).toBe('invalid_request')
  })

  test('a browser brings its token as a protocol', async () => {
    const id = await world.session()
    const client = new Client(`/v1/sessions/${id}/socket`, { protocols: ['reins', `bearer.${token}`], headers: {} })
    expect((await client.next()).type).toBe('session.started')
    expect(client.socket.protocol).toBe('reins')
    client.socket.close()
    const reader = new Client(`/v1/sessions/${id}/socket`, { protocols: ['bearer.reader', 'reins'], headers: {} })
    await reader.next()
    await reader.say({ type: 'pause' })
    expect(await reader.reply()).toMatchObject({ ok: false, error: { code: 'forbidden' } })
    expect(reader.socket.protocol).toBe('reins')
    reader.socket.close()
    const alone = new Client(`/v1/sessions/${id}/socket`, { protocols: [`bearer.${token}`], headers: {} })
    expect(await alone.refused).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } })
  })
})
