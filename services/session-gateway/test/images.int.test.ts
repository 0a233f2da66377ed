// Images that clients send with messages, over real HTTP.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { token, World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.start()
})
afterAll(async () => {
  expect(await world.close()).toEqual([])
})

const png = (size: number, fill = 7): Buffer =>
  Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(size, fill)])
const image = (size: number, mimeType = 'image/png') => ({
  ...{ type: 'image', mimeType },
  data: png(size).toString('base64'),
})
const begun = async (images?: readonly object[], content = 'What is this?') =>
  world.request('POST', '/v1/sessions', { body: { agent: 'helper', message: content, ...(images ? { images } : {}) } })
const eventsOf = async (session: string) => (await world.frames(session)).flatMap(({ events }) => events)

test('a message of a new session shows images: small ones stand in its frame, large ones are kept beside it', async () => {
  const { status, json } = await begun([image(100), image(200_000)])
  expect(status).toBe(201)
  const { id } = json.session
  const frames = await world.frames(id)
  expect(frames.map(({ events }) => events.map(({ type }) => type))).toEqual([
    ['session.started', 'message.received', 'images.attached'],
  ])
  expect(frames[0]?.needs).toBe(11)
  expect(frames[0]?.events.at(-1)?.data).toEqual({
    message: json.messageId,
    images: [image(100), { type: 'image', mimeType: 'image/png', ref: expect.any(String), bytes: 200_008 }],
  })
  const shown = frames[0]?.events.find((event) => event.type === 'images.attached')
  const kept = await world.journal.outputs.get(id, shown?.data.images[1]?.ref ?? '')
  const pieces: Uint8Array[] = []
  for await (const piece of kept?.bytes ?? []) pieces.push(piece)
  expect(Buffer.concat(pieces).equals(png(200_000))).toBe(true)
})

test('a message to a session shows them, once for one key', async () => {
  const { id } = (await begun()).json.session
  const send = () =>
    world.request('POST', `/v1/sessions/${id}/messages`, {
      body: { content: 'And this?', images: [image(9)] },
      headers: { 'idempotency-key': 'look' },
    })
  const [first, again] = [await send(), await send()]
  expect([first.status, again.json]).toEqual([202, first.json])
  expect((await eventsOf(id)).filter(({ type }) => type === 'images.attached')).toEqual([
    { type: 'images.attached', data: { message: first.json.messageId, images: [image(9)] } },
  ])
})

test.each([
  [
    'bytes of another type',
    [image(9, 'image/gif')],
    'images[0] of the prompt says "image/gif", and its bytes are those of image/png',
  ],
  [
    'a type that models do not take',
    [image(9, 'image/svg+xml')],
    'models take image/png, image/jpeg, image/gif, image/webp',
  ],
  ['no base64', [{ ...image(9), data: 'a b c' }], '"data" that is no base64'],
  [
    'one that is too large',
    [image(9), image(4_000_000)],
    'images[1] of the prompt has 4000008 bytes, and 3932160 at most are taken',
  ],
  ['too many bytes together', [image(3_500_000), image(3_500_000)], '6291456 bytes at most together'],
  ['too many', Array.from({ length: 21 }, () => image(9)), 'images'],
  ['none', [], 'images'],
  ['a field that is not known', [{ ...image(9), url: 'https://example.com/a.png' }], 'url'],
])('images with %s are refused, and nothing of the message is stored', async (_what, images, words) => {
  const { id } = (await begun()).json.session
  const { status, json } = await world.request('POST', `/v1/sessions/${id}/messages`, {
    body: { content: 'Look.', images },
  })
  expect([status, json.error.code]).toEqual([400, 'invalid_request'])
  expect(json.error.message).toContain(words)
  expect(await world.frames(id)).toHaveLength(1)
})

test('images without a message, and a body above all limits, are refused', async () => {
  const alone = await world.request('POST', '/v1/sessions', { body: { agent: 'helper', images: [image(9)] } })
  expect([alone.status, alone.json.error.message]).toEqual([400, expect.stringContaining('images need a message')])
  const large = await begun(Array.from({ length: 3 }, () => image(3_000_000)))
  expect(large.status).toBe(413)
})

test('a message over the WebSocket shows as many as one over HTTP, and a large one without is the end of the socket', async () => {
  const { id } = (await begun()).json.session
  const open = async () => {
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}/v1/sessions/${id}/socket?deltas=false`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const replies: { ref?: string; ok: boolean; error?: { code: string } }[] = []
    const closed = new Promise<number>((resolve) => socket.once('close', resolve))
    socket.on('message', (data) => {
      const item = JSON.parse(String(data))
      if (item.type === 'reply') replies.push(item)
    })
    await new Promise((resolve) => socket.once('open', resolve))
    return { socket, replies, closed }
  }
  const { socket, replies, closed } = await open()
  const say = (command: object) => socket.send(JSON.stringify({ type: 'message', content: 'Look.', ...command }))
  say({ ref: 'two', images: [image(3_000_000), image(3_000_000)] })
  say({ ref: 'wrong', images: [image(9, 'image/gif')] })
  say({ ref: 'after' })
  say({ ref: 'large', content: 'x'.repeat(1_100_000) })
  say({ ref: 'unheard' })
  expect(await closed).toBe(1009)
  expect(replies.map(({ ref, ok, error }) => [ref, ok, error?.code])).toEqual([
    ['two', true, undefined],
    ['wrong', false, 'invalid_request'],
    ['after', true, undefined],
    [undefined, false, 'body_too_large'],
  ])
  const shown = (await eventsOf(id)).flatMap((event) => (event.type === 'images.attached' ? event.data.images : []))
  expect(shown.map((one) => 'bytes' in one && one.bytes)).toEqual([3_000_008, 3_000_008])
})

test('where they cannot be kept the message is refused, and the same request goes through later', async () => {
  let away = true
  const flaky = await World.start({
    config: {
      outputs: {
        get: (...given) => world.journal.outputs.get(...given),
        put: (...given) =>
          away ? Promise.resolve({ ref: undefined, dropped: 9 }) : world.journal.outputs.put(...given),
      },
    },
  })
  try {
    const ask = () =>
      flaky.request('POST', '/v1/sessions', {
        body: { agent: 'helper', instance: 'i', message: 'Look.', images: [image(5000)] },
        headers: { 'idempotency-key': 'k' },
      })
    expect((await ask()).json.error).toMatchObject({
      ...{ code: 'session_too_large', message: expect.stringContaining('64 MiB') },
    })
    away = false
    expect((await ask()).status).toBe(201)
  } finally {
    await flaky.close()
  }
})
