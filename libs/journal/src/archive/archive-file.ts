// An object of the archive: messages of one session as the stream held them, with their sequences. A file format, so later versions read it.
//   AF2. What unpacks to more than one text can hold is no such object: nobody could have read it.
//   AF1. The first line says what it is, each other line is one message. All of it is gzip.
import { constants } from 'node:buffer'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { StoredMessage } from '@reins/broker'
import { fieldsOf, frameHeaders, jsonValue, readFromHeader } from '@reins/contracts'

const format = 1
/** All that decoding a frame looks at. */
const names = [...Object.values(frameHeaders), readFromHeader]
export const mostUnpacked = constants.MAX_STRING_LENGTH
const zip = promisify(gzip)
const unzip = promisify(gunzip)

export async function encodeArchive(session: string, messages: readonly StoredMessage[]): Promise<Uint8Array> {
  const lines = messages.map(({ subject, seq, storedAt, header, body }) =>
    JSON.stringify([seq, storedAt, subject, names.map(header), body]),
  )
  return zip([JSON.stringify({ format, session, headers: names, messages: messages.length }), ...lines].join('\n'))
}

/** Throws where the bytes are no such object of that session. */
export async function decodeArchive(session: string, bytes: Uint8Array): Promise<readonly StoredMessage[]> {
  const [first = '', ...lines] = (await unzip(bytes, { maxOutputLength: mostUnpacked })).toString('utf8').split('\n')
  const head = fieldsOf(jsonValue(first))
  if (head.format !== format) throw new Error(`an archive of the format ${String(head.format)}, which is unknown here`)
  if (head.session !== session || head.messages !== lines.length || !Array.isArray(head.headers))
    throw new Error(`an archive that does not hold what it says of session ${session}`)
  const written: readonly unknown[] = head.headers
  return lines.map((line) => messageIn(line, written))
}

function messageIn(line: string, written: readonly unknown[]): StoredMessage {
  const fields = jsonValue(line)
  const [seq, storedAt, subject, values, body] = Array.isArray(fields) ? (fields as readonly unknown[]) : []
  if (typeof seq !== 'number' || typeof storedAt !== 'number' || typeof subject !== 'string')
    throw new Error('an archive with a line that is no message')
  if (!Array.isArray(values) || typeof body !== 'string') throw new Error('an archive with a message that is cut')
  const headers = new Map(written.map((name, at) => [name, (values as readonly unknown[])[at]]))
  const header = (name: string): string => {
    const value = headers.get(name)
    return typeof value === 'string' ? value : ''
  }
  return { seq, storedAt, subject, header, body }
}
