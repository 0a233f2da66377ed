// Requests that are none that this server may take, told how to let them in.
import type { IncomingMessage } from 'node:http'
import { foreignPage, type PageRules, ReinsError } from '@reins/contracts'

/** Throws invalid_request, forbidden. */
export function guard({ headers, rawHeaders, httpVersion, url }: IncomingMessage, rules: PageRules): void {
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length
  if (hosts > 1) throw new ReinsError('invalid_request', 'The request has more than one Host header.')
  if (hosts === 0 && httpVersion === '1.1') throw new ReinsError('invalid_request', 'The request has no Host header.')
  if (!url?.startsWith('/')) throw new ReinsError('invalid_request', 'The target of the request is not a path.')
  const foreign = foreignPage(headers, rules)
  if (foreign?.kind === 'host')
    throw new ReinsError('forbidden', `The Host ${foreign.what} is not a name of this server.`, {
      next: 'Call the server as 127.0.0.1 or localhost, or allow the name where it is started: --allow-host NAME',
    })
  if (foreign)
    throw new ReinsError('forbidden', `Pages of ${foreign.what} may not ask this server.`, {
      next: 'Open the page from this server, or allow its origin where it is started: --allow-origin ORIGIN',
    })
}
