import { headers as natsHeaders } from '@nats-io/nats-core'
import { MsgImpl, Parser } from '@nats-io/nats-core/internal'
import { expect, test } from 'vitest'
import { headersOf, makeHeaders, storedHeadersOf } from './message-headers.ts'

const nobody = { publish: () => undefined, publishMessage: () => undefined, respondMessage: () => false }

/** As the client makes it of what comes over the wire. */
function received(...pieces: readonly (string | Uint8Array)[]): MsgImpl[] {
  const messages: MsgImpl[] = []
  const parser = new Parser({
    push: (event) => {
      if ('msg' in event && event.msg && event.data) messages.push(new MsgImpl(event.msg, event.data, nobody))
    },
  })
  for (const piece of pieces) parser.parse(Buffer.from(piece))
  return messages
}

function hmsg(head: string, body: string, { subject = 'a.b', reply = '' } = {}): string {
  const [headBytes, bodyBytes] = [Buffer.byteLength(head), Buffer.byteLength(body)]
  return `HMSG ${subject} 1 ${reply === '' ? '' : `${reply} `}${headBytes} ${headBytes + bodyBytes}\r\n${head}${body}\r\n`
}

const one =
  'NATS/1.0\r\nReins-N: 7\r\nNats-Subject: ses.é.x\r\nEmpty:\r\nMany: first\r\nMany: second\r\nSpaced:   x y  \r\n\r\n'

test.each([
  ['with a reply', hmsg(one, '{"a":1}', { reply: '$JS.ACK.x' })],
  ['without a body', hmsg(one, '')],
  ['with a subject beyond ASCII', hmsg(one, 'é', { subject: 'ä.漢' })],
  ['with a status and no names', hmsg('NATS/1.0 404 No Messages\r\n\r\n', '')],
  ['with a status and names', hmsg('NATS/1.0 408 Timeout\r\nNats-Pending-Messages: 3\r\n\r\n', '')],
])('what is read of a message %s is what the client reads', (_, wire) => {
  const [message] = received(`${wire}MSG a 1 2\r\nok\r\n${wire}`)
  const header = message && headersOf(message)
  const names = [
    'Reins-N',
    'reins-n',
    'Nats-Subject',
    'Empty',
    'Many',
    'Spaced',
    'Nats-Pending-Messages',
    'Reins',
    '404',
  ]
  expect(names.map((name) => header?.(name))).toEqual(names.map((name) => message?.headers?.get(name)))
})

test('a message in pieces is read like a whole one, and one without headers has none', () => {
  const wire = Buffer.from(`MSG a 1 2\r\nok\r\n${hmsg(one, 'body')}`)
  for (let cut = 1; cut < wire.length; cut++) {
    const [bare, headed] = received(wire.subarray(0, cut), wire.subarray(cut))
    expect(bare && headersOf(bare)).toBeUndefined()
    expect(headed && headersOf(headed)?.('Reins-N')).toBe('7')
  }
})

test('where the bytes are not found, the client is asked', () => {
  const headers = natsHeaders()
  headers.set('A', '1')
  expect(headersOf({ headers, subject: 'a', data: new Uint8Array(0) })?.('A')).toBe('1')
})

test('what is written is what the client would write, and no value breaks out of its line', () => {
  const client = natsHeaders()
  client.set('Reins-N', '7')
  client.set('Trace', 'é x')
  const made = makeHeaders([
    ['Reins-N', '6'],
    ['Trace', ' é x '],
    ['Reins-N', '7'],
  ])
  expect([made.text, [...made]]).toEqual([String(client), [...client]])
  expect(() => makeHeaders([['Trace', 'x\r\nNats-Rollup: all']])).toThrow('cannot hold more than one line')
})

test('what a message says of where it stands is not what the server says', () => {
  const wire = hmsg('NATS/1.0\r\nNats-Sequence: 9\r\nReins-N: 7\r\nNats-Sequence: 3\r\n\r\n', 'x')
  const [message] = received(wire)
  const headers = message && storedHeadersOf(message)
  expect([headers?.said('Nats-Sequence'), headers?.said('Reins-N'), headers?.said('None')]).toEqual(['3', '7', ''])
  expect(headers?.header('Nats-Sequence')).toBe('9')
  const made = natsHeaders()
  for (const value of ['9', '3']) made.append('Nats-Sequence', value)
  const byHand = storedHeadersOf({ headers: made, subject: 'a', data: new Uint8Array() })
  expect(byHand?.said('Nats-Sequence')).toBe('3')
})

test('what the server says of a stored message is none of its own headers; an answer that was stored has some', () => {
  const said = 'Nats-Stream: SES\r\nNats-Subject: ses.x\r\nNats-Sequence: 3\r\n'
  const [stored] = received(hmsg(`NATS/1.0\r\nReins-N: 7\r\n${said}\r\n`, 'x'))
  const [answer] = received(hmsg(`NATS/1.0\r\nReins-N: 7\r\n${said}${said}\r\n`, 'x'))
  const own = stored && storedHeadersOf(stored)
  expect([own?.header('Nats-Stream'), own?.header('Reins-N'), own?.said('Nats-Sequence')]).toEqual(['', '7', '3'])
  expect(answer && storedHeadersOf(answer)?.header('Nats-Stream')).toBe('SES')
  const made = natsHeaders()
  made.append('Nats-Stream', 'SES')
  const byHand = () => storedHeadersOf({ headers: made, subject: 'a', data: new Uint8Array() })?.header('Nats-Stream')
  expect(byHand()).toBe('')
  made.append('Nats-Stream', 'SES')
  expect(byHand()).toBe('SES')
})
