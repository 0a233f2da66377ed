// From the moment a token leaves the model's process to the moment this client has it, at 50 tokens a second.
import type { ApiDelta } from '@reins/contracts'
import { round, type Spread, spread } from '../report/numbers.ts'
import { clockAgent, type Product } from '../product/product.ts'

export interface Tokens {
  readonly ms: Spread
  readonly tokens: number
  /** The share (0 to 1) of tokens that came in a delta of their own, and in a read of the socket of their own. */
  readonly alone: { readonly delta: number; readonly read: number }
}

export async function measureTokens({ api }: Product): Promise<Tokens> {
  const { session } = await api.start(clockAgent)
  const ended = Promise.withResolvers<void>()
  const samples: number[] = []
  const reads = new Map<number, number>()
  let aloneInDelta = 0
  const stream = await api.follow(
    session.id,
    (item) => {
      if (item.type === 'turn.completed') ended.resolve()
      if (item.type === 'turn.failed') ended.reject(new Error(`the turn failed: ${item.data}`))
      if (item.type !== 'delta') return
      const { text } = (JSON.parse(item.data) as ApiDelta).data
      const times = text.match(/t\d+ /g) ?? []
      if (times.length === 1) aloneInDelta++
      reads.set(item.read, (reads.get(item.read) ?? 0) + times.length)
      for (const time of times) samples.push(Number(item.at - BigInt(time.slice(1, -1))) / 1e6)
    },
    () => ended.reject(new Error('the stream broke')),
  )
  await api.post(`/v1/sessions/${session.id}/messages`, { content: 'go' })
  await ended.promise
  stream.close()
  const aloneInRead = [...reads.values()].filter((tokens) => tokens === 1).length
  const share = (count: number): number => round(count / samples.length)
  const alone = { delta: share(aloneInDelta), read: share(aloneInRead) }
  return { ms: spread(samples), tokens: samples.length, alone }
}
