// The token of a request, from its headers.
//   A1. A token comes in a header: Authorization, or for browsers' WebSockets a protocol entry `bearer.<token>`. Never in a URL.
//   A2. A server names the protocol that it takes in its answer: a token beside nothing else would stand there.
import type { IncomingHttpHeaders } from 'node:http'
import { ReinsError } from '@reins/contracts'
import { maxTokenChars } from '../../access/oidc/jwt-text.ts'

const maxHeaderChars = maxTokenChars + 64

/** undefined: there is none. Throws unauthorized where the header is of another form. */
export function tokenOf(headers: IncomingHttpHeaders): string | undefined {
  const authorization = headers.authorization
  if (authorization !== undefined) {
    if (authorization.length > maxHeaderChars)
      throw new ReinsError('unauthorized', `The bearer token is longer than ${maxTokenChars} characters.`)
    const match = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization)
    if (!match)
      throw new ReinsError(
        'unauthorized',
        'Missing or invalid Authorization header: it is not of the form "Bearer <token>".',
      )
    return match[1]
  }
  const protocols = protocolsOf(headers)
  const entry = protocols.find((protocol) => protocol.startsWith('bearer.'))
  if (entry !== undefined && !protocols.includes('reins')) throw unnamed // A2
  return entry?.slice('bearer.'.length)
}

const unnamed = new ReinsError('invalid_request', 'The WebSocket offers a token as its only protocol.', {
  next: 'Offer the protocol "reins" beside "bearer.<token>".',
})

/** What a WebSocket client offers in Sec-WebSocket-Protocol. */
const protocolsOf = (headers: IncomingHttpHeaders): readonly string[] =>
  (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim())
