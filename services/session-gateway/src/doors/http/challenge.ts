// What a request that was refused for its token learns about how to get one (RFC 6750, RFC 9728).
import type { IncomingHttpHeaders } from 'node:http'

export const resourcePath = '/.well-known/oauth-protected-resource'

/** The address that the client called, as it says itself: behind a proxy that ends TLS the scheme is the proxy's. */
export function calledAddress(headers: IncomingHttpHeaders): string {
  const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'
  const host = headers.host ?? ''
  return `${scheme}://${/^[\w.:[\]-]{1,255}$/.test(host) ? host : 'localhost'}`
}

/** Of an answer with 401, where there is an identity provider. */
export function challenge(headers: IncomingHttpHeaders): string {
  const given = headers.authorization === undefined ? '' : 'error="invalid_token", '
  return `Bearer realm="reins", ${given}resource_metadata="${calledAddress(headers)}${resourcePath}"`
}
