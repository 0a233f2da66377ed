// Many answers at once, 50 tokens a second each, through the whole path: what arrives, how late, and what it costs. Beside it the same
// answers through a bare relay: what Node alone takes for a token that comes over one connection and leaves over another.
import { once } from 'node:events'
import http from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ApiDelta } from '@reins/contracts'
import { round, type Spread, spread } from '../report/numbers.ts'
import { readEvents, type StreamItem } from '../product/api-client.ts'
import { cpuMs, startNode } from '../product/processes.ts'
import { type Product, tickingAgent, urlSaid } from '../product/product.ts'

export interface TokenFlow {
  /** Tokens a second that clients had. */
  readonly delivered: number
  readonly ms: Spread
  /** ms of CPU a thousand tokens. Of the product: its processes, without nats-server. */
  readonly cpuPerThousand: number
}

export interface TokenFleet extends TokenFlow {
  readonly streams: number
  /** Tokens a second that the model said. */
  readonly said: number
  readonly bare: TokenFlow
}

const tokensPerSecond = 50
const notOurs = new Set(['nats-server', 'model', 'clock model'])
const relayMain = fileURLToPath(new URL('../product/bare-relay-main.ts', import.meta.url))

export async function measureTokenFleet(product: Product, streams: number, seconds: number): Promise<TokenFleet> {
  const { api } = product
  const flow = new Flow()
  const open: { session: string; close(): void }[] = []
  await twentyAtOnce(streams, async () => {
    const { session } = await api.start(tickingAgent)
    const stream = await api.follow(session.id, flow.take)
    open.push({ session: session.id, close: stream.close })
    await api.post(`/v1/sessions/${session.id}/messages`, { content: 'go' })
  })
  const measured = await flow.over(seconds, () => costs(product))
  for (const { session } of open) await api.post(`/v1/sessions/${session}/cancel`, {})
  for (const { close } of open) close()
  const bare = await measureBareRelay(product.clockUrl, streams, seconds)
  return { streams, said: streams * tokensPerSecond, ...measured, bare }
}

async function measureBareRelay(model: string, streams: number, seconds: number): Promise<TokenFlow> {
  const relay = await startNode({ name: 'bare relay', args: [relayMain, model], ready: urlSaid })
  const flow = new Flow()
  const open: http.ClientRequest[] = []
  try {
    await twentyAtOnce(streams, async () => {
      const request = http.get(relay.said, { agent: false })
      open.push(request)
      const [response] = (await once(request, 'response')) as [http.IncomingMessage]
      request.on('error', () => {})
      response.on('error', () => {})
      readEvents(response, flow.take)
    })
    return await flow.over(seconds, () => cpuMs(relay.pid))
  } finally {
    for (const request of open) request.destroy()
    await relay.stop()
  }
}

/** Tokens that arrive, each with the time at which it left the model. */
class Flow {
  readonly #samples: number[] = []
  #counting = false

  readonly take = (item: StreamItem): void => {
    if (!this.#counting || item.type !== 'delta') return
    for (const time of (JSON.parse(item.data) as Pick<ApiDelta, 'data'>).data.text.match(/t\d+ /g) ?? [])
      this.#samples.push(Number(item.at - BigInt(time.slice(1, -1))) / 1e6)
  }

  /** After two seconds, in which whatever begins has begun. `cost`: ms of CPU so far. */
  async over(seconds: number, cost: () => number): Promise<TokenFlow> {
    await pause(2000)
    const before = cost()
    const from = performance.now()
    this.#counting = true
    await pause(seconds * 1000)
    this.#counting = false
    const took = (performance.now() - from) / 1000
    const used = cost() - before
    return {
      delivered: Math.round(this.#samples.length / took),
      ms: spread(this.#samples),
      cpuPerThousand: round((used * 1000) / Math.max(1, this.#samples.length)),
    }
  }
}

async function twentyAtOnce(count: number, each: () => Promise<void>): Promise<void> {
  await Promise.all(
    Array.from({ length: 20 }, async (_, lane) => {
      for (let at = lane; at < count; at += 20) await each()
    }),
  )
}

const costs = (product: Product): number =>
  product
    .pids()
    .filter(({ name }) => !notOurs.has(name))
    .reduce((sum, { pid }) => sum + cpuMs(pid), 0)
