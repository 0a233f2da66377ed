// What this process publishes, as the bytes of the client protocol (PUB, HPUB). The client makes four pieces of each message, each with
// memory of its own, and a map of its headers; a turn publishes fifty messages.
//   O1. The same bytes as the client's own (the test compares). What it would refuse is not sent: its connection is closed or on its way
//       out, a subject that is none, a message larger than the server takes.
//   O2. Nothing else of the client is passed by: what it holds while it reconnects, and when it writes, is its own.
import type { NatsConnection } from '@nats-io/nats-core'
import type { NatsConnectionImpl } from '@nats-io/nats-core/internal'
import type { WrittenHeaders } from './message-headers.ts'

export interface PublishOptions {
  readonly reply?: string
  readonly headers?: WrittenHeaders
}

/** Parts of the client that it offers to those that are built on it, by its door `internal`. */
type Client = Pick<NatsConnectionImpl, 'protocol'>

const noSubject = /^$|\s/

/** false: it was not sent (O1). */
export function send(
  nc: NatsConnection,
  subject: string,
  payload: string | Uint8Array,
  { reply = '', headers }: PublishOptions = {},
): boolean {
  const { protocol } = nc as NatsConnection & Client
  if (nc.isClosed() || protocol.noMorePublishing) return false
  if (noSubject.test(subject) || /\s/.test(reply)) return false
  const head = headers?.text ?? ''
  const headBytes = Buffer.byteLength(head)
  const bodyBytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength
  if (headBytes + bodyBytes > (nc.info?.max_payload ?? Number.POSITIVE_INFINITY)) return false
  const to = reply === '' ? subject : `${subject} ${reply}`
  const line =
    headers === undefined ? `PUB ${to} ${bodyBytes}\r\n` : `HPUB ${to} ${headBytes} ${headBytes + bodyBytes}\r\n`
  const lineBytes = Buffer.byteLength(line)
  const bytes = Buffer.allocUnsafe(lineBytes + headBytes + bodyBytes + 2)
  bytes.write(line)
  if (headBytes > 0) bytes.write(head, lineBytes)
  const at = lineBytes + headBytes
  if (typeof payload === 'string') bytes.write(payload, at)
  else bytes.set(payload, at)
  bytes[at + bodyBytes] = 13
  bytes[at + bodyBytes + 1] = 10
  protocol.sendCommand(bytes)
  return true
}
