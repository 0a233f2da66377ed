// Which pages and names a request may come from.
//   G1. On loopback the Host must be a loopback name, or one that was allowed: otherwise a page whose name resolves to 127.0.0.1 could
//       ask in the name of whoever uses this machine.
//   G2. A page of another origin may not ask, unless it was allowed.
import type { IncomingMessage } from 'node:http'
import { ReinsError } from '@reins/contracts'

export interface GuardRules {
  /** The server listens on loopback only. */
  readonly loopback: boolean
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
}

const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]']

export const isLoopbackHost = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127\./.test(host)

/** Throws invalid_request, forbidden. */
export function guard({ headers, rawHeaders, httpVersion, url }: IncomingMessage, rules: GuardRules): void {
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length
  if (hosts > 1) throw new ReinsError('invalid_request', 'The request has more than one Host header.')
  if (hosts === 0 && httpVersion === '1.1') throw new ReinsError('invalid_request', 'The request has no Host header.')
  if (!url?.startsWith('/')) throw new ReinsError('invalid_request', 'The target of the request is not a path.')
  const host = (headers.host ?? '').toLowerCase()
  const name = host.replace(/:\d+$/, '')
  const named = rules.loopback || rules.allowedHosts.length > 0
  if (named && !loopbackNames.includes(name) && !rules.allowedHosts.includes(name))
    throw new ReinsError('forbidden', `The Host ${JSON.stringify(host.slice(0, 100))} is not a name of this server.`, {
      next: 'Call the server as 127.0.0.1 or localhost, or allow the name where it is started: --allow-host NAME',
    }) // G1
  const { origin } = headers
  if (origin === undefined || rules.allowedOrigins.includes(origin)) return
  if (URL.canParse(origin) && new URL(origin).host === host) return
  throw new ReinsError('forbidden', `Pages of ${JSON.stringify(origin.slice(0, 100))} may not ask this server.`, {
    next: 'Open the page from this server, or allow its origin where it is started: --allow-origin ORIGIN',
  }) // G2
}
