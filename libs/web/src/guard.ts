// Which requests web mode answers at all: it holds the operator's token, so a page of somebody else must not be able to use it.
//   G1. The Host is a name of this process. A page whose name was made to resolve to this machine (DNS rebinding) is sent under its own
//       name; an address, as opposed to a name, cannot be rebound.
//   G2. What a browser says about where a request comes from (Origin, Sec-Fetch-Site) is of this page, or was not said.
//   G3. Requests to the API carry a header of the page's own. Another origin's page cannot send it without being asked for first (CORS),
//       and web mode never agrees to that.
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { ReinsError } from '@reins/contracts'
import { pageHeader } from './page-header.ts'

export interface GuardRules {
  /** It listens on loopback only. */
  readonly loopback: boolean
  /** Names, without port, under which people reach it besides. */
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
}

/** `page`: a document or a file of it; `api`: asked by the page; `chat`: asked by a program, or the page. */
export type Asked = 'page' | 'api' | 'chat'

const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]']

/** Throws forbidden. */
export function guard(headers: IncomingHttpHeaders, asked: Asked, rules: GuardRules): void {
  const host = (headers.host ?? '').toLowerCase()
  const name = host.replace(/:\d+$/, '')
  if (!isOwnName(name, rules)) throw foreignHost(host) // G1
  if (asked === 'page') return
  const site = headers['sec-fetch-site']
  const sites = asked === 'chat' ? ['same-origin', 'none'] : ['same-origin']
  if (site !== undefined && !sites.includes(String(site))) throw foreignPage(String(site)) // G2
  const { origin } = headers
  if (origin !== undefined && !isOwnOrigin(origin, host, rules)) throw foreignPage(origin)
  if (asked === 'api' && headers[pageHeader] !== '1')
    throw new ReinsError('forbidden', `The request has no header "${pageHeader}: 1", which the chat page sends.`, {
      next: 'Programs use POST /chat of this process, or the API of the Reins server with a token of their own.',
    }) // G3
}

function isOwnName(name: string, { loopback, allowedHosts }: GuardRules): boolean {
  if (loopbackNames.includes(name) || allowedHosts.includes(name)) return true
  return !loopback && isIP(name.replace(/^\[|\]$/g, '')) !== 0
}

const isOwnOrigin = (origin: string, host: string, { allowedOrigins }: GuardRules): boolean =>
  allowedOrigins.includes(origin) || URL.parse(origin)?.host === host

const foreignHost = (host: string): ReinsError =>
  new ReinsError('forbidden', `The Host ${JSON.stringify(host.slice(0, 100))} is not a name of this page.`, {
    next: 'Open the page by the address that "reins agent start" printed, or allow the name where it is started: --allow-host NAME',
  })

const foreignPage = (from: string): ReinsError =>
  new ReinsError(
    'forbidden',
    `Requests of ${JSON.stringify(from.slice(0, 100))} are not taken: they come from another page.`,
    {
      next: 'Use the chat page itself. Behind a proxy, allow its origin where the process is started: --allow-origin ORIGIN',
    },
  )
