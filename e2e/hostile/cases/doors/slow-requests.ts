// Requests that never come to their end: each holds a connection for as long as it is let.
import { kindOf, type Row } from '../../corpus.ts'

export interface SlowRequest {
  /** At once, and then what comes again and again. {host}: name and port. */
  readonly first: string
  readonly again: string
}

const post =
  'POST /v1/sessions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer test-token\r\nContent-Type: application/json\r\n'
const late = /^408 closed$/

const rows: readonly Row<SlowRequest>[] = [
  ['a target that goes on', { first: 'GET /', again: 'a' }, late],
  ['headers that go on', { first: 'GET /health HTTP/1.1\r\nHost: {host}\r\n', again: 'X: a\r\n' }, late],
  ['a header that goes on', { first: 'GET /health HTTP/1.1\r\nHost: {host}\r\nX: ', again: 'a' }, late],
  ['a body that goes on', { first: `${post}Content-Length: 1000\r\n\r\n{`, again: ' ' }, late],
  ['chunks that go on', { first: `${post}Transfer-Encoding: chunked\r\n\r\n`, again: '1\r\n \r\n' }, late],
  ['a chunk that goes on', { first: `${post}Transfer-Encoding: chunked\r\n\r\nfff\r\n{`, again: ' ' }, late],
  ['a body that never begins', { first: `${post}Content-Length: 1000\r\n\r\n`, again: '' }, late],
  ['half a line', { first: 'GET /hea', again: '' }, late],
  ['nothing', { first: '', again: '' }, /^closed$/],
]

export const slowRequests = kindOf(
  'slow requests',
  'requests that come byte by byte, or never end (slowloris), at a gateway that waits a second for each',
  rows,
)
