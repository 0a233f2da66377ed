import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { Told } from '../conversation/tell.ts'
import { type EventStreamLimits, writeEvents } from './event-stream.ts'

const patient = { heartbeatMs: 600_000, stalledMs: 600_000 }

/** A server that tells these events once; gives its port, and what becomes of the telling. */
async function telling(events: () => AsyncIterable<Told>, limits: EventStreamLimits) {
  const told = Promise.withResolvers<void>()
  const server = createServer((_request, response) => void writeEvents(response, events(), limits).then(told.resolve))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, told: told.promise }
}
const event = (content: string, at: number): Told => ({
  cursor: `c${at}`,
  event: { kind: 'chat_response', content, turn: at },
})

test('a reader who takes nothing is cut off, and nothing was read ahead for it', async () => {
  const all = 10_000
  let made = 0
  async function* events() {
    for (; made < all; made++) yield event('x'.repeat(64_000), made)
  }
  const { port, told } = await telling(events, { ...patient, stalledMs: 100 })
  const socket = connect(port, '127.0.0.1')
    .pause()
    .on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await told
  expect(made).toBeLessThan(all)
})

test('a reader who takes its time, but takes, gets all', async () => {
  async function* events() {
    for (let at = 0; at < 40; at++) yield event('x'.repeat(64_000), at)
  }
  const { port, told } = await telling(events, patient)
  const answer = await fetch(`http://127.0.0.1:${port}`)
  const text = await answer.text()
  await told
  expect(text.match(/^id: c\d+$/gm)).toHaveLength(40)
})

test('a stream that is silent says that it is alive', async () => {
  const heard = Promise.withResolvers<void>()
  async function* events() {
    await heard.promise
    yield event('done', 1)
  }
  const { port } = await telling(events, { ...patient, heartbeatMs: 5 })
  const { body } = await fetch(`http://127.0.0.1:${port}`)
  let text = ''
  for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part
    if (text.includes(': alive\n\n')) heard.resolve()
  }
  expect(text).toContain('"done"')
})
