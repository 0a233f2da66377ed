// Which pages and names a request over HTTP may come from: the one rule of the gateway and of what serves one agent. Pure.
//   G1. On loopback the Host must be a loopback name, or one that was allowed: otherwise a page whose name resolves to 127.0.0.1 could
//       ask in the name of whoever uses this machine.
//   G2. A page of another origin may not ask, unless it was allowed.

export interface PageRules {
  /** The server listens on loopback only. */
  readonly loopback: boolean
  /** Host names (without port) that are right besides the loopback names; none: any, unless on loopback. */
  readonly allowedHosts: readonly string[]
  /** Origins of pages that may ask besides the server's own. */
  readonly allowedOrigins: readonly string[]
}

/** `what`: the foreign name, fit for people. */
export interface ForeignPage {
  readonly kind: 'host' | 'origin'
  readonly what: string
}

const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]']

/** null: it may ask. */
export function foreignPage(
  headers: { readonly host?: string | undefined; readonly origin?: string | undefined },
  { loopback, allowedHosts, allowedOrigins }: PageRules,
): ForeignPage | null {
  const host = (headers.host ?? '').toLowerCase()
  const name = host.replace(/:\d+$/, '')
  const named = loopback || allowedHosts.length > 0
  if (named && !loopbackNames.includes(name) && !allowedHosts.includes(name)) return foreign('host', host) // G1
  const { origin } = headers
  if (origin === undefined || allowedOrigins.includes(origin)) return null
  const parsed = URL.parse(origin)
  if (parsed?.host === host && parsed.username === '' && parsed.password === '') return null
  return foreign('origin', origin) // G2
}

const foreign = (kind: ForeignPage['kind'], name: string): ForeignPage => ({
  kind,
  what: JSON.stringify(name.slice(0, 100)),
})

/** Of an address that a server listens on. */
export const listensOnLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127\./.test(host)
