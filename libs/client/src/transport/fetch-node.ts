// How requests leave a Node process. A process may be told to send its requests through a proxy (NODE_USE_ENV_PROXY, or a dispatcher
// of its own); requests to this machine carry the admin token and never take that way.
import type { Fetch } from './transport.ts'

/** Where Node's fetch and undici keep the dispatcher that all requests of the process go through; Node 24 has the older place only. */
const places = [Symbol.for('undici.globalDispatcher.2'), Symbol.for('undici.globalDispatcher.1')]

/** Whether requests of this process may take another way than straight to the address. */
function diverted(): boolean {
  const dispatcher: unknown = places.map((place) => Reflect.get(globalThis, place)).find((one) => one !== undefined)
  if (typeof dispatcher !== 'object' || dispatcher === null) return false
  return dispatcher.constructor.name !== 'Agent'
}

let direct: Promise<Fetch> | undefined

/** fetch by undici over an agent of its own: loaded only where something stands between, since that takes some 50 ms. */
async function loadDirect(): Promise<Fetch> {
  const undici = await import('undici')
  const dispatcher = new undici.Agent()
  return async (input, init) => {
    const options = { ...init, dispatcher } as unknown as Parameters<typeof undici.fetch>[1]
    return (await undici.fetch(input, options)) as unknown as Response
  }
}

export const localFetch: Fetch = async (input, init) => {
  if (!diverted()) return globalThis.fetch(input, init)
  direct ??= loadDirect()
  return (await direct)(input, init)
}
