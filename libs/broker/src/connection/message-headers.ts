// Headers of messages, read and written where it costs little. A frame has a dozen, each message of a turn is read by several services,
// and the client makes a map of lists of them, checking and rewriting each name: a fifth of all the memory that a turn took.
//   MH1. What is read is what the client would read (the test compares). Where its bytes are not found, the client is asked.
//   MH2. What is written is checked: no value breaks out of its line.
//   MH3. What the server says of a stored message is none of the message's own headers, so that who reads them sees whether the message
//        was itself an answer of the server, which somebody has had stored in another place.
import type { MsgHdrs } from '@nats-io/nats-core'
import { MsgHdrsImpl } from '@nats-io/nats-core/internal'
import { readFromHeader } from '@reins/contracts'

/** The first value of a header; '' where there is none. Names are told apart by case. */
export type HeaderOf = (name: string) => string

interface Headed {
  readonly headers?: MsgHdrs | undefined
  readonly subject: string
  readonly reply?: string | undefined
  readonly data: Uint8Array
  /** Bytes of all of it; not said of what was made by hand. */
  size?(): number
}

/** undefined: the message has no headers. `message`: a core message, or one of JetStream's. */
export function headersOf(message: Headed): HeaderOf | undefined {
  const text = headerText(message)
  if (text !== undefined) return (name) => valueIn(text, name)
  const { headers } = message
  return headers && ((name) => headers.get(name))
}

/**
 * Of a stored message that the server hands out. `said`: what the server says of it, which stands behind the message's own headers, so
 * that a message cannot say of itself where it stands. undefined: the message has no headers.
 */
export function storedHeadersOf(message: Headed): { readonly header: HeaderOf; readonly said: HeaderOf } | undefined {
  const text = headerText(message)
  if (text !== undefined) {
    const from = text.lastIndexOf(needleOf(saidFirst)) // MH3
    const own = from < 0 ? text : `${text.slice(0, from)}\r\n`
    return {
      header: (name) => valueIn(own, name),
      said: (name) => valueIn(text, name, text.lastIndexOf(needleOf(name))),
    }
  }
  const { headers } = message
  return (
    headers && {
      header: (name) => (name === saidFirst ? (headers.values(name).at(-2) ?? '') : headers.get(name)),
      said: (name) => headers.values(name).at(-1) ?? '',
    }
  )
}

/** The server's own headers of a stored message begin with it. */
const saidFirst = readFromHeader

/** MH3. `header`: of a message's own. */
export const isPutByBroker = (header: HeaderOf | undefined): boolean => (header?.(readFromHeader) ?? '') !== ''

const begin = 'NATS/1.0'
const needles = new Map<string, string>()
const mostNeedles = 200

function valueIn(text: string, name: string, at = text.indexOf(needleOf(name))): string {
  if (at < 0) return ''
  const from = at + name.length + 3
  const to = text.indexOf('\r\n', from)
  return text.slice(from, to < 0 ? text.length : to).trim()
}

function needleOf(name: string): string {
  const known = needles.get(name)
  if (known !== undefined) return known
  const needle = `\r\n${name}:`
  if (needles.size < mostNeedles) needles.set(name, needle)
  return needle
}

/** They stand right before the payload, in the same buffer. */
function headerText(given: Headed): string | undefined {
  const message = coreOf(given)
  if (!message.size) return undefined
  const { data, subject, reply } = message
  const length = message.size() - Buffer.byteLength(subject) - Buffer.byteLength(reply ?? '') - data.byteLength
  const from = data.byteOffset - length
  if (length < begin.length || from < 0) return undefined
  const text = Buffer.from(data.buffer, from, length).toString('utf8')
  return text.startsWith(begin) && text.endsWith('\r\n\r\n') ? text : undefined
}

/** JetStream's messages hold the core message that they came in. */
const coreOf = (message: Headed): Headed => ('msg' in message ? (message.msg as Headed) : message)

const lineEnds = /[\r\n]/

/** Headers with their bytes, which are made once and not for each way that the client has to write them. */
export class WrittenHeaders extends MsgHdrsImpl {
  readonly text: string
  constructor(values: ReadonlyMap<string, string>) {
    super()
    let text = begin
    for (const [name, value] of values) {
      this.headers.set(name, [value])
      text += `\r\n${name}: ${value}`
    }
    this.text = `${text}\r\n\r\n`
  }
  override toString(): string {
    return this.text
  }
}

/** Names are ours, and of two of one name the later counts. Throws RangeError for a value that is no single line. */
export function makeHeaders(pairs: Iterable<readonly [string, string]>): WrittenHeaders {
  const values = new Map<string, string>()
  for (const [name, value] of pairs) {
    if (lineEnds.test(value)) throw new RangeError(`the header ${name} cannot hold more than one line`) // MH2
    values.set(name, value.trim())
  }
  return new WrittenHeaders(values)
}
