import { connect } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { begin, token, World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await World.start()
})
afterEach(async () => {
  expect(await world.close()).toEqual([])
})

/** Sends bytes as they are, and gives what comes: until it holds a text, or to its end. */
function wire(request: string): { until(text: string): Promise<string>; end(): Promise<string>; close(): void } {
  const socket = connect(Number(new URL(world.url).port), '127.0.0.1')
  let all = ''
  let over = false
  let wake = (): void => {}
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    all += text
    wake()
  })
  socket.on('close', () => {
    over = true
    wake()
  })
  socket.on('error', () => {})
  socket.write(request)
  const wait = async (enough: () => boolean): Promise<string> => {
    while (!enough()) await new Promise<void>((resolve) => (wake = resolve))
    return all
  }
  return {
    until: (text) => wait(() => all.includes(text) || over),
    end: () => wait(() => over),
    close: () => socket.destroy(),
  }
}

const ask = (id: string, { method = 'GET', version = '1.1', accept = 'text/event-stream' } = {}): string =>
  `${method} /v1/sessions/${id}/events HTTP/${version}\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nAccept: ${accept}\r\n\r\n`

/** The body of an answer that is sent in chunks; it throws where one is not what its length says. */
function dechunked(text: string): { readonly body: string; readonly ended: boolean } {
  let rest = Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4))
  let body = ''
  for (;;) {
    const line = rest.indexOf('\r\n')
    if (line < 0) return { body, ended: false }
    const size = Number.parseInt(rest.toString('latin1', 0, line), 16)
    const end = line + 2 + size
    if (!Number.isSafeInteger(size) || rest.toString('latin1', end, end + 2) !== '\r\n')
      throw new Error(`no chunk: ${rest.toString('utf8', 0, 60)}`)
    if (size === 0) return { body, ended: true }
    body += rest.toString('utf8', line + 2, end)
    rest = rest.subarray(end + 2)
  }
}

test('events and deltas are whole chunks behind one head, with the length of their bytes, up to the last one', async () => {
  const id = await world.session()
  const stream = wire(ask(id))
  await stream.until('session.started')
  await world.append(id, [...begin('t1', 'm')], { status: 'running' })
  for (const [at, text] of ['ü€', '🦊', ' x'].entries()) world.delta(id, text, [0, 2, 4][at]!)
  await stream.until('" x"')
  expect(await world.close()).toEqual([])
  world = await World.start()
  const text = await stream.end()
  expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(1)
  const { body, ended } = dechunked(text)
  expect(ended).toBe(true)
  expect(body.startsWith('retry: 500\n: open\n\nid: ')).toBe(true)
  expect([...body.matchAll(/^event: (.*)$/gm)].map(([, type]) => type)).toEqual([
    ...['session.started', 'turn.started', 'model-call.started', 'delta', 'delta', 'delta'],
  ])
})

test('an old client gets the same without chunks', async () => {
  const id = await world.session()
  const stream = wire(ask(id, { version: '1.0' }))
  const text = await stream.until('session.started')
  expect(text).not.toMatch(/transfer-encoding/i)
  expect(text.slice(text.indexOf('\r\n\r\n') + 4).startsWith('retry: 500\n: open\n\nid: ')).toBe(true)
  stream.close()
})

test('a client that asks for a stream before its last answer has come gets one after the other', async () => {
  const id = await world.session()
  const stream = wire(
    `GET /v1/sessions/${id} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n${ask(id)}`,
  )
  const text = await stream.until('event: session.started')
  const [first = '', second = ''] = text.split(/(?=HTTP\/1\.1 200)/)
  expect(first).toContain('application/json')
  expect(dechunked(second).body).toContain('event: session.started')
  stream.close()
})

test('who asks for the head of a stream gets no body', async () => {
  const id = await world.session()
  const stream = wire(ask(id, { method: 'HEAD' }) + ask(id, { method: 'HEAD' }))
  const text = await stream.until('\r\n\r\n')
  expect(text.slice(text.indexOf('\r\n\r\n') + 4)).not.toContain('retry')
  stream.close()
})
