// An executor whose slots are held by slow model calls: how long a person waits for it to stop one, and what others feel of it.
import { setTimeout as pause } from 'node:timers/promises'
import type { CreatedSession } from '@reins/contracts'
import { median, round, type Spread, spread } from '../report/numbers.ts'
import { heldAgent, type Product, plainAgent } from '../product/product.ts'
import { plainMessage } from '../turns/turns.ts'

export interface FullExecutor {
  /** Slow model calls that were under way. */
  readonly calls: number
  /** ms from the request to the end of the turn, of a cancel of one of them; Infinity: not within 20 s. */
  readonly cancelMs: number
  /** ms of a plain turn beside them; undefined: it did not end within the time that it was given. */
  readonly turns: Spread | undefined
  /** The same without them. */
  readonly alone: Spread
}

const giveUpMs = 20_000

export async function measureFullExecutor({ api }: Product, calls: number): Promise<FullExecutor> {
  const alone = await turnsOf(api, 40)
  const held: string[] = []
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (held.length < calls) {
        const place = held.push('') - 1
        held[place] = ((await api.start(heldAgent, 'think')) as CreatedSession).session.id
      }
    }),
  )
  // Each has begun once its first token is here; the last one stands for all of them where they do not fit.
  await untilRunning(api, held)
  const cancels: number[] = []
  for (const session of held.slice(0, 5)) {
    const from = performance.now()
    const over = ended(api, session)
    await api.post(`/v1/sessions/${session}/cancel`, {})
    const inTime = await within(
      giveUpMs,
      over.then(() => true),
    )
    cancels.push(inTime ? performance.now() - from : Number.POSITIVE_INFINITY)
    if (!inTime) break
  }
  const turns = await within(giveUpMs, turnsOf(api, 40))
  for (const session of held) await api.post(`/v1/sessions/${session}/cancel`, {})
  return { calls, cancelMs: round(median(cancels)), turns, alone }
}

async function turnsOf(api: Product['api'], count: number): Promise<Spread> {
  const samples: number[] = []
  for (let i = 0; i < count; i++) {
    const from = performance.now()
    await api.begin(plainAgent, plainMessage)
    samples.push(performance.now() - from)
  }
  return spread(samples)
}

async function untilRunning(api: Product['api'], sessions: readonly string[]): Promise<void> {
  const deadline = performance.now() + giveUpMs
  for (const session of sessions) {
    while (performance.now() < deadline) {
      const { status } = (await api.get(`/v1/sessions/${session}`)) as { status: string }
      if (status === 'running') break
      await pause(50)
    }
  }
}

async function ended(api: Product['api'], session: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const stream = await api.follow(
    session,
    ({ type }) => {
      if (type === 'turn.cancelled') resolve()
    },
    () => reject(new Error('the stream broke')),
  )
  await promise
  stream.close()
}

function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), ms)
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}
