// From the end of an executor in the middle of an answer to the next attempt at work.
//   - Five processes: another executor stands by, and takes over. ack_wait is the product's own.
//   - One process: the same folder is started again; being ready is part of the time, and shown apart.
import { setTimeout as pause } from 'node:timers/promises'
import type { ApiClient } from '../product/api-client.ts'
import { type Product, plainAgent } from '../product/product.ts'

export interface Recovery {
  readonly signal: 'SIGKILL' | 'SIGTERM'
  /** ms from the signal to `model-call.started` of attempt 2, each time. */
  readonly goingOnMs: readonly number[]
  /** One process: ms from the signal to the ready line. */
  readonly readyMs: readonly number[]
}

const slowAnswer = 'stream 400 every 20'
const withinMs = 60_000

export async function measureRecovery(product: Product, times: number): Promise<Recovery[]> {
  const results: Recovery[] = []
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const goingOnMs: number[] = []
    const readyMs: number[] = []
    for (let i = 0; i < times; i++) {
      const one = product.processes === 'five' ? await takeover(product, signal) : await startedAgain(product, signal)
      goingOnMs.push(Math.round(one.goingOnMs))
      if (one.readyMs !== undefined) readyMs.push(Math.round(one.readyMs))
    }
    results.push({ signal, goingOnMs, readyMs })
  }
  return results
}

async function takeover(product: Product, signal: NodeJS.Signals): Promise<{ goingOnMs: number; readyMs?: number }> {
  const holder = product.executor()
  const watched = await inTheMiddle(product.api)
  const other = await product.startService('executor')
  // It must have heard of the holder's call, which a heartbeat tells at the latest after two seconds.
  await pause(2500)
  const from = performance.now()
  holder.kill(signal)
  const at = await watched.secondAttempt
  watched.close()
  await Promise.all([holder.ended, finish(product.api, watched.session)])
  if (product.executor() !== other) throw new Error('the other executor is not the one that is left')
  return { goingOnMs: at - from }
}

async function startedAgain(
  product: Product,
  signal: NodeJS.Signals,
): Promise<{ goingOnMs: number; readyMs?: number }> {
  const watched = await inTheMiddle(product.api)
  watched.close()
  const from = performance.now()
  product.executor().kill(signal)
  await product.executor().ended
  await product.restart()
  const readyMs = performance.now() - from
  const second = await follow(product.api, watched.session)
  const at = await second.secondAttempt
  second.close()
  await finish(product.api, watched.session)
  return { goingOnMs: at - from, readyMs }
}

async function inTheMiddle(api: ApiClient): Promise<Watched> {
  const { session } = await api.start(plainAgent, slowAnswer)
  const watched = await follow(api, session.id)
  await watched.firstDelta
  return watched
}

interface Watched {
  readonly session: string
  readonly firstDelta: Promise<void>
  /** performance.now() when it was seen. */
  readonly secondAttempt: Promise<number>
  close(): void
}

async function follow(api: ApiClient, session: string): Promise<Watched> {
  const first = Promise.withResolvers<void>()
  const second = Promise.withResolvers<number>()
  const late = setTimeout(() => second.reject(new Error(`${session} did not go on within ${withinMs} ms`)), withinMs)
  second.promise.catch(() => {})
  const stream = await api.follow(session, ({ type, data }) => {
    if (type === 'delta') first.resolve()
    if (type !== 'model-call.started' || (JSON.parse(data) as { data: { attempt: number } }).data.attempt < 2) return
    clearTimeout(late)
    second.resolve(performance.now())
  })
  return {
    session,
    firstDelta: first.promise,
    secondAttempt: second.promise,
    close: () => {
      clearTimeout(late)
      stream.close()
    },
  }
}

/** The rest of the answer is not waited for. */
const finish = async (api: ApiClient, session: string): Promise<void> =>
  void (await api.post(`/v1/sessions/${session}/cancel`, undefined))
