// Many answers at once, 50 tokens a second each, through the whole path: what arrives, how late, and what it costs.
import { setTimeout as pause } from 'node:timers/promises'
import type { ApiDelta } from '@reins/contracts'
import { round, type Spread, spread } from '../report/numbers.ts'
import { cpuMs } from '../product/processes.ts'
import { type Product, tickingAgent } from '../product/product.ts'

export interface TokenFleet {
  readonly streams: number
  /** Tokens a second that the model said, and that clients had. */
  readonly said: number
  readonly delivered: number
  readonly ms: Spread
  /** ms of CPU of the product's processes, without nats-server, a thousand tokens. */
  readonly cpuPerThousand: number
}

const tokensPerSecond = 50
const notOurs = new Set(['nats-server', 'model', 'clock model'])

export async function measureTokenFleet(product: Product, streams: number, seconds: number): Promise<TokenFleet> {
  const { api } = product
  const samples: number[] = []
  let counting = false
  const open: { session: string; close(): void }[] = []
  await Promise.all(
    Array.from({ length: 20 }, async (_, lane) => {
      for (let at = lane; at < streams; at += 20) {
        const { session } = await api.start(tickingAgent)
        const stream = await api.follow(session.id, (item) => {
          if (!counting || item.type !== 'delta') return
          for (const time of (JSON.parse(item.data) as ApiDelta).data.text.match(/t\d+ /g) ?? [])
            samples.push(Number(item.at - BigInt(time.slice(1, -1))) / 1e6)
        })
        open.push({ session: session.id, close: stream.close })
        await api.post(`/v1/sessions/${session.id}/messages`, { content: 'go' })
      }
    }),
  )
  await pause(2000)
  const before = costs(product)
  const from = performance.now()
  counting = true
  await pause(seconds * 1000)
  counting = false
  const took = (performance.now() - from) / 1000
  const used = costs(product) - before
  for (const { session } of open) await api.post(`/v1/sessions/${session}/cancel`, {})
  for (const { close } of open) close()
  return {
    streams,
    said: streams * tokensPerSecond,
    delivered: Math.round(samples.length / took),
    ms: spread(samples),
    cpuPerThousand: round((used * 1000) / Math.max(1, samples.length)),
  }
}

const costs = (product: Product): number =>
  product
    .pids()
    .filter(({ name }) => !notOurs.has(name))
    .reduce((sum, { pid }) => sum + cpuMs(pid), 0)
