// How adapters reach their providers: one pool of kept connections for all, the proxies of the environment, and their patience. A
// stream that is silent for `idleTimeoutMs` is dead; a whole answer is silent until it is complete, so it gets longer. An answer that
// goes on and on is cut after `answerTimeoutMs`.
//   T1. Loopback is never reached through a proxy, whatever the environment says.
//   T2. A kept connection is closed after 20 s without use, before any peer would do it in the middle of our next request.
//   T3. What makes connections is loaded at the first call: most processes never make one.
import type { Dispatchers } from './dispatchers.ts'
import { exchange, type Post, type Reply } from './exchange.ts'
import { inNetworks } from './networks.ts'

/** As the usual variables say it; '' is none. */
export interface ProxyConfig {
  readonly http: string
  readonly https: string
  /** Hosts that are reached directly, as in NO_PROXY. */
  readonly except: string
}

export const noProxies: ProxyConfig = { http: '', https: '', except: '' }

export interface Transport {
  post(url: string, post: Omit<Post, 'idleMs' | 'wholeMs'> & { readonly stream: boolean }): Promise<Reply>
  /** Closes the kept connections; calls that are under way end with an error. */
  close(): void
}

const wholeAnswerMs = 600_000

export interface TransportOptions {
  readonly idleTimeoutMs: number
  readonly answerTimeoutMs: number
  readonly proxies: ProxyConfig
}

export function createTransport({ idleTimeoutMs, answerTimeoutMs, proxies }: TransportOptions): Transport {
  const isExcepted = inNetworks(proxies.except)
  let closed = false
  let opened: Dispatchers | undefined
  let opening: Promise<Dispatchers> | undefined
  /** T3. */
  const open = async (): Promise<Dispatchers> => {
    const { createDispatchers } = await import('./dispatchers.ts')
    opened = createDispatchers(proxies)
    if (closed) opened.close()
    return opened
  }
  const send = ({ direct, proxied }: Dispatchers, url: URL, post: Post): Promise<Reply> => {
    if (!proxied || isLoopback(url.hostname) || isExcepted(url.hostname)) return exchange(direct, url, post)
    return exchange(proxied, url, post).catch((error: unknown) => {
      throw post.signal.aborted ? error : new Error('by the proxy of the environment', { cause: error })
    })
  }
  return {
    async post(target, { stream, ...post }) {
      const url = new URL(target)
      const idleMs = stream ? idleTimeoutMs : Math.max(idleTimeoutMs, wholeAnswerMs)
      opening ??= open()
      return send(opened ?? (await opening), url, { ...post, idleMs, wholeMs: answerTimeoutMs })
    },
    close() {
      closed = true
      opened?.close()
    },
  }
}

/** T1. A name under `localhost` is this machine too (RFC 6761). */
export function isLoopback(hostname: string): boolean {
  const host = hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    /^127(\.\d{1,3}){3}$/.test(host) ||
    /^::ffff:(127\.|7f[0-9a-f]{2}:)/.test(host)
  )
}
