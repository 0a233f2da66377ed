// What a server of a case does, and the words in which cases of servers are written.
import type { ServerResponse } from 'node:http'
import type { Does } from '../../../../libs/mcp/test/odd-http.ts'
import type { Row } from '../../corpus.ts'

export interface Misbehaviour {
  readonly does: Readonly<Record<string, Does>>
  /** For what is no POST. */
  readonly other?: (request: unknown, response: ServerResponse) => void
  /** In the entry of the definition. */
  readonly change?: object
}

export const answer = /^(ready: |unavailable: \S)/
export const unavailable = /^unavailable: \S/
export const failed = /^ready: mcp__\S+ error/
export const text = (words: string) => ({ content: [{ type: 'text', text: words }] })
export const plain = { name: 'go', inputSchema: { type: 'object' } }

export const raw =
  (status: number, headers: Readonly<Record<string, string>>, body: string | Buffer = ''): Does =>
  ({ response }) =>
    void response.writeHead(status, headers).end(body)
export const json = (body: string): Does => raw(200, { 'content-type': 'application/json' }, body)
export const events =
  (lines: (id: unknown) => string): Does =>
  ({ response, message }) =>
    void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(lines(message.id))
export const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
export const done = (id: unknown, result: unknown = text('done')) => data({ jsonrpc: '2.0', id, result })
/** The server asks its client for something in the middle of a call, and then answers. */
export const asks = (method: string, params: object): Does =>
  events((id) => data({ jsonrpc: '2.0', id: 'theirs', method, params }) + done(id))
export const notes = (method: string, params: object, times = 1): Does =>
  events((id) => data({ jsonrpc: '2.0', method, params }).repeat(times) + done(id))

export const called = (name: string, does: Does, expected = answer): Row<Misbehaviour> => [
  `call: ${name}`,
  { does: { 'tools/call': does } },
  expected,
]
export const result = (name: string, value: unknown, expected = answer): Row<Misbehaviour> =>
  called(`result: ${name}`, ({ result }) => result(value), expected)
export const listed = (name: string, does: Does, expected = answer): Row<Misbehaviour> => [
  `list: ${name}`,
  { does: { 'tools/list': does } },
  expected,
]
export const begun = (name: string, does: Does, expected = answer, change: object = {}): Row<Misbehaviour> => [
  `beginning: ${name}`,
  { does: { initialize: does }, change },
  expected,
]
/** For a server that never answers: nobody has to wait long for that. */
export const soon = { connect_timeout: 2 }
export const token = { auth: 'bearer', secret: 'TOKEN' }
export const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`
