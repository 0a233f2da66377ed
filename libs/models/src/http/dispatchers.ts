// The pools of kept connections: undici, which takes long to load, behind a door that is opened at the first call.
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import type { ProxyConfig } from './transport.ts'

export interface Dispatchers {
  readonly direct: Dispatcher
  /** undefined: the environment names no proxy. */
  readonly proxied: Dispatcher | undefined
  close(): void
}

/** A kept connection is closed after 20 s without use (transport.ts, T2). */
const settings = { keepAliveTimeout: 20_000, keepAliveMaxTimeout: 20_000, connectTimeout: 20_000, allowH2: false }

export function createDispatchers({ http, https, except }: ProxyConfig): Dispatchers {
  const direct = new Agent(settings)
  const proxied =
    http === '' && https === ''
      ? undefined
      : new EnvHttpProxyAgent({ ...settings, httpProxy: http, httpsProxy: https, noProxy: except })
  return {
    direct,
    proxied,
    close() {
      void direct.destroy()
      void proxied?.destroy()
    },
  }
}
