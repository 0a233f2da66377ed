// How adapters reach their providers: one pool of kept connections for all, and two patiences. A stream that is silent for
// `idleTimeoutMs` is dead; a whole answer (`stream: false`) is silent until it is complete, so it gets longer.
import { createKeepAliveFetch, type Fetch } from './keep-alive-fetch.ts'

/** The SDKs' own time-out; ours, by silence, comes first. */
const sdkTimeoutMs = 3_600_000
const wholeAnswerMs = 600_000

export interface ClientOptions {
  readonly fetch: Fetch
  readonly timeout: number
}

export interface Transport {
  /** The SDK's clients, made at the first call: loading an SDK takes 100 ms that a start should not pay. */
  clients<Client>(make: (options: ClientOptions) => Promise<Client>): (stream: boolean) => Promise<Client>
  close(): void
}

export function createTransport(options: { readonly idleTimeoutMs: number }): Transport {
  const connections = createKeepAliveFetch({ idleMs: options.idleTimeoutMs })
  const patient = connections.withIdle(Math.max(options.idleTimeoutMs, wholeAnswerMs))
  return {
    clients(make) {
      const made = new Map<boolean, ReturnType<typeof make>>()
      return (stream) => {
        const known = made.get(stream)
        if (known) return known
        const client = make({ fetch: stream ? connections.fetch : patient, timeout: sdkTimeoutMs })
        made.set(stream, client)
        return client
      }
    },
    close: () => connections.close(),
  }
}
