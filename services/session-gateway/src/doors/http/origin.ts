// Pages and names that may not ask this gateway, told how to let them.
import type { IncomingHttpHeaders } from 'node:http'
import { foreignPage, type PageRules, ReinsError } from '@reins/contracts'

/** Throws forbidden for a foreign Host or Origin. */
export function checkOrigin(headers: IncomingHttpHeaders, rules: PageRules): void {
  const foreign = foreignPage(headers, rules)
  if (foreign?.kind === 'host')
    throw new ReinsError('forbidden', `The Host ${foreign.what} is not a name of this server.`, {
      next: 'Call the server as 127.0.0.1 or localhost, or add the name to REINS_ALLOWED_HOSTS where the server runs.',
    })
  if (foreign)
    throw new ReinsError('forbidden', `Pages of ${foreign.what} may not send requests to this server.`, {
      next: 'Open the page from this server, or add its origin to REINS_ALLOWED_ORIGINS where the server runs.',
    })
}
