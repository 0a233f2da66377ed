// A viewer that opens a long session in the middle of an answer, from that answer's message on: until it has the first delta.
import { setTimeout as pause } from 'node:timers/promises'
import type { MessageAccepted } from '@reins/contracts'
import { median, round } from '../report/numbers.ts'
import { type Product, plainAgent } from '../product/product.ts'

export interface Joining {
  readonly frames: number
  /** ms from the request to the first delta. */
  readonly firstDeltaMs: number
}

export async function measureJoining({ api }: Product, turns: number, times: number): Promise<Joining> {
  const session = await api.begin(plainAgent, 'say one')
  for (let turn = 1; turn < turns; turn++) await api.turn(session, 'say one')
  const accepted = await api.post(`/v1/sessions/${session}/messages`, { content: 'stream 20000 every 20' })
  const { cursor } = accepted as MessageAccepted
  await pause(1000)
  const samples: number[] = []
  for (let i = 0; i < times; i++) {
    const first = Promise.withResolvers<void>()
    const from = performance.now()
    const stream = await api.follow(
      session,
      ({ type }) => (type === 'delta' ? first.resolve() : undefined),
      () => first.reject(new Error('the stream broke')),
      cursor,
    )
    await first.promise
    samples.push(performance.now() - from)
    stream.close()
  }
  await api.post(`/v1/sessions/${session}/cancel`, {})
  return { frames: turns * 3, firstDeltaMs: round(median(samples)) }
}
