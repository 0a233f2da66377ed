// Which pages and names a request may come from.
//   O1. On loopback the Host must be a loopback name: otherwise a page whose name resolves to 127.0.0.1 could ask in its name.
import type { IncomingHttpHeaders } from 'node:http'
import { ReinsError } from '@reins/contracts'

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
    throw new ReinsError('forbidden', `The Host ${JSON.stringify(host.slice(0, 100))} is not a name of this server.`, {
      next: 'Call the server as 127.0.0.1 or localhost, or add the name to REINS_ALLOWED_HOSTS where the server runs.',
    })
  const origin = headers.origin
  if (origin === undefined || rules.allowedOrigins.includes(origin)) return
  if (URL.canParse(origin) && new URL(origin).host === host) return
  throw new ReinsError(
    'forbidden',
    `Pages of ${JSON.stringify(origin.slice(0, 100))} may not send requests to this server.`,
    {
      next: 'Open the page from this server, or add its origin to REINS_ALLOWED_ORIGINS where the server runs.',
    },
  )
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127\./.test(host)
