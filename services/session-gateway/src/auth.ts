// Who asks, and whether they may: bearer tokens by their hash, permissions, and the checks of Host and Origin.
//   A1. A token comes in a header: Authorization, or for browsers' WebSockets a protocol entry `bearer.<token>`. Never in a URL.
//   A2. On loopback the Host must be a loopback name: otherwise a page whose name resolves to 127.0.0.1 could ask in its name.
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { ReinsError, type TokenEntry } from '@reins/contracts'

export interface Caller {
  readonly principal: string
  /** As it stands in `by` of a frame. */
  readonly by: string
  readonly permissions: readonly string[]
}

export interface Tokens {
  /** By the hex sha256 of its text; undefined where unknown or revoked. */
  token(hash: string): TokenEntry | undefined
}

export function authenticate(headers: IncomingHttpHeaders, tokens: Tokens): Caller {
  const text = bearerOf(headers)
  if (text === undefined) throw new ReinsError('unauthorized', 'The request has no bearer token.')
  const entry = tokens.token(createHash('sha256').update(text).digest('hex'))
  if (!entry || entry.revoked) throw new ReinsError('unauthorized', 'The bearer token is not known, or was revoked.')
  return { principal: entry.principal, by: `user:${entry.principal}`, permissions: entry.permissions }
}

function bearerOf(headers: IncomingHttpHeaders): string | undefined {
  const authorization = headers.authorization
  if (authorization !== undefined) {
    const match = /^bearer +([\x21-\x7e]{1,1024}) *$/i.exec(authorization)
    if (!match) throw new ReinsError('unauthorized', 'The Authorization header is not of the form "Bearer <token>".')
    return match[1]
  }
  const entry = protocolsOf(headers).find((protocol) => protocol.startsWith('bearer.'))
  return entry?.slice('bearer.'.length)
}

/** What a WebSocket client offers in Sec-WebSocket-Protocol. */
export const protocolsOf = (headers: IncomingHttpHeaders): readonly string[] =>
  (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim())

/** `permission` is `<resource>:<action>`; a token's entries may be `*`, `<resource>:*` or exact. */
export function authorize(caller: Caller, permission: string): void {
  const [resource] = permission.split(':')
  const may = caller.permissions.some((one) => one === '*' || one === permission || one === `${resource}:*`)
  if (!may)
    throw new ReinsError('forbidden', `The token of ${caller.principal} has no permission ${permission}.`, {
      details: { permission },
    })
}

export interface OriginRules {
  /** The server listens on loopback only. */
  readonly loopback: boolean
  /** Host names (without port) that are right besides the loopback names; none: any, unless on loopback. */
  readonly allowedHosts: readonly string[]
  /** Origins of pages that may ask besides the server's own. */
  readonly allowedOrigins: readonly string[]
}

const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]']

/** Throws forbidden for a foreign Host or Origin. */
export function checkOrigin(headers: IncomingHttpHeaders, rules: OriginRules): void {
  const host = (headers.host ?? '').toLowerCase()
  const name = host.replace(/:\d+$/, '')
  const named = rules.loopback || rules.allowedHosts.length > 0
  if (named && !loopbackNames.includes(name) && !rules.allowedHosts.includes(name))
    throw new ReinsError('forbidden', `The Host ${JSON.stringify(host.slice(0, 100))} is not one of this server.`, {
      next: 'Ask by 127.0.0.1 or localhost, or allow the name: REINS_ALLOWED_HOSTS.',
    })
  const origin = headers.origin
  if (origin === undefined || rules.allowedOrigins.includes(origin)) return
  if (URL.canParse(origin) && new URL(origin).host === host) return
  throw new ReinsError('forbidden', `Pages of ${JSON.stringify(origin.slice(0, 100))} may not ask this server.`, {
    next: 'Open the page from this server, or allow its origin: REINS_ALLOWED_ORIGINS.',
  })
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127\./.test(host)
