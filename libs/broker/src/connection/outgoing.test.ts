import { headers as natsHeaders, type NatsConnection } from '@nats-io/nats-core'
import { ProtocolHandler } from '@nats-io/nats-core/internal'
import { expect, test } from 'vitest'
import { makeHeaders } from './message-headers.ts'
import { send } from './outgoing.ts'

const most = 64

/** A connection that keeps what it is told to write. */
function connection(change: { closed?: boolean; noMorePublishing?: boolean } = {}) {
  const written: Buffer[] = []
  const protocol = {
    noMorePublishing: change.noMorePublishing ?? false,
    info: { max_payload: most, headers: true },
    ...{ outBytes: 0, outMsgs: 0 },
    sendCommand: (line: string | Uint8Array, ...pieces: readonly Uint8Array[]) =>
      void written.push(Buffer.concat([Buffer.from(line as string), ...pieces])),
  }
  const nc = { protocol, info: protocol.info, isClosed: () => change.closed ?? false }
  return { protocol, nc: nc as unknown as NatsConnection, text: () => Buffer.concat(written).toString('latin1') }
}

const pairs = [
  ['Reins-N', '7'],
  ['Trace', 'é x'],
] as const

test.each([
  ['nothing', '', {}],
  ['a text', '{"a":"é漢😀"}', {}],
  ['half of a pair, which is no character', 'a\ud800b', {}],
  ['bytes', Buffer.from([0, 13, 10, 255]), {}],
  ['a place for the answer', 'x', { reply: '_INBOX.x.1' }],
  ['headers', 'é', { headed: true }],
  ['headers, and a place for the answer', Buffer.from('é'), { headed: true, reply: 'r' }],
])('what leaves with %s is what the client would write', (_, payload, { reply, headed = false }: Asked) => {
  const ours = connection()
  const to = reply === undefined ? {} : { reply }
  send(ours.nc, 'a.ä', payload, { ...to, ...(headed ? { headers: makeHeaders(pairs) } : {}) })
  const clients = connection()
  const client = natsHeaders()
  for (const [name, value] of pairs) client.set(name, value)
  ProtocolHandler.prototype.publish.call(clients.protocol as unknown as ProtocolHandler, 'a.ä', payload, {
    ...to,
    ...(headed ? { headers: client } : {}),
  })
  expect(ours.text()).toBe(clients.text())
  expect(ours.text()).not.toBe('')
})

interface Asked {
  readonly reply?: string
  readonly headed?: boolean
}

test('what the client would refuse is not sent', () => {
  const { nc, text } = connection()
  for (const subject of ['', 'a b', 'a\r\nPUB b 0\r\n'])
    expect([send(nc, subject, ''), send(nc, 'a', '', { reply: `${subject} ` })]).toEqual([false, false])
  expect(send(nc, 'a', 'x'.repeat(most + 1))).toBe(false)
  expect(send(nc, 'a', 'x'.repeat(most), { headers: makeHeaders(pairs) })).toBe(false)
  expect(text()).toBe('')
  expect(send(nc, 'a', 'x'.repeat(most))).toBe(true)
  expect(send(connection({ closed: true }).nc, 'a', '')).toBe(false)
  expect(send(connection({ noMorePublishing: true }).nc, 'a', '')).toBe(false)
})
