// Many sessions that nobody uses any more: what they cost those that are used, and what one of them costs when it is opened again.
import { setTimeout as pause } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { callService, connectBroker } from '@reins/broker'
import { type MessageAccepted, type RebuildProgress, serviceSubject } from '@reins/contracts'
import { type Spread, spread } from '../report/numbers.ts'
import { type CpuOf, cpuOf, residentNow } from '../product/memory.ts'
import { many } from '../product/many.ts'
import { type Product, plainAgent } from '../product/product.ts'
import { plainMessage } from '../turns/turns.ts'

export interface SessionsAtRest {
  readonly sessions: number
  /** How many were made a second. */
  readonly madePerSecond: number
  /** ms: a turn in a session that has just been used. */
  readonly hot: Spread
  /** ms: reading an old session, a further message for one (until it is accepted). */
  readonly read: Spread
  readonly append: Spread
  /** ms of hot turns while ten clients open old sessions. */
  readonly hotBeside: Spread
  /** What those ten opened meanwhile; ms of the processor for each, with the turns beside it. */
  readonly opened: { readonly perSecond: number; readonly cpu: CpuOf }
  /** ms: the newest page, a page far down, and one by a status that few have. */
  readonly list: Spread
  readonly deepPage: Spread
  readonly byStatus: Spread
  /** ms: the history of an old session, and the state in the middle of one of 15,000 frames. */
  readonly history: Spread
  readonly stateAt: Spread
  /** Consumers of all streams before the sessions were made, and when all is done. */
  readonly consumers: readonly [before: number, after: number]
  /** Frames a second of `rebuild-index`. */
  readonly rebuiltPerSecond: number
  /** Of one process: ms from its start on the full folder to its ready line, and what is resident then (residentNow of memory.ts). */
  readonly started?: { readonly ms: number; readonly mb: ReturnType<typeof residentNow> }
}

interface Page {
  readonly sessions: readonly { readonly id: string }[]
  readonly next?: string
}

const atOnce = 48
/** A list takes a few ms, and its p99 is told: of 50 reads, that would be the slowest one. */
const listReads = 200
const longTurns = 5_000
const rebuildWithinMs = 1_800_000

/** Seconds between two words about how far it is. */
const saySeconds = 15

export async function measureSessionsAtRest(
  product: Product,
  sessions: number,
  say: (line: string) => void,
): Promise<SessionsAtRest> {
  const { api } = product
  const consumersBefore = await consumersOf(product)
  const old: string[] = []
  const kept = Math.max(1, Math.floor(sessions / 2000))
  const from = performance.now()
  let made = 0
  const saying = setInterval(() => say(`    ${made} of ${sessions} sessions`), saySeconds * 1000)
  try {
    await many(sessions, atOnce, async (at) => {
      const { session } = await api.start(plainAgent)
      made++
      if (at % kept === 0 && at < sessions / 2) old.push(session.id)
    })
  } finally {
    clearInterval(saying)
  }
  const madePerSecond = Math.round((sessions * 1000) / (performance.now() - from))
  say(`    ${sessions} sessions are made, ${madePerSecond} a second; they are read, listed and gone on with`)
  await untilListed(api, sessions)
  let next = 0
  const oldOne = (): string => old[next++ % old.length] ?? ''
  const timed: Timed = async (count, work) => {
    const samples: number[] = []
    for (let i = 0; i < count; i++) {
      const begun = performance.now()
      await work()
      samples.push(performance.now() - begun)
    }
    return spread(samples)
  }
  const hotSession = await api.begin(plainAgent, plainMessage)
  const hotTurn = (): Promise<void> => api.turn(hotSession, plainMessage)
  const hot = await timed(50, hotTurn)
  const read = await timed(100, () => api.get(`/v1/sessions/${oldOne()}`))
  const append = await timed(100, () => api.post(`/v1/sessions/${oldOne()}/messages`, { content: plainMessage }))
  let opening = true
  let openings = 0
  const cpuBefore = cpuOf(product)
  const openedFrom = performance.now()
  const openers = Array.from({ length: 10 }, async () => {
    for (; opening; openings++) await api.get(`/v1/sessions/${oldOne()}`)
  })
  const hotBeside = await timed(50, hotTurn)
  opening = false
  await Promise.all(openers)
  const cpuAfter = cpuOf(product)
  const opened = {
    perSecond: Math.round((openings * 1000) / (performance.now() - openedFrom)),
    cpu: { reins: (cpuAfter.reins - cpuBefore.reins) / openings, nats: (cpuAfter.nats - cpuBefore.nats) / openings },
  }
  const list = await timed(listReads, () => api.get('/v1/sessions?limit=50'))
  const deep = await deepCursor(api, Math.min(sessions * 0.8, 50_000))
  const deepPage = await timed(listReads, () => api.get(`/v1/sessions?limit=50${deep}`))
  const byStatus = await timed(listReads, () => api.get('/v1/sessions?limit=50&status=paused'))
  const history = await timed(100, () => api.get(`/v1/sessions/${oldOne()}/events?limit=1000`))
  const stateAt = await stateInTheMiddle(api, timed)
  const rebuiltPerSecond = await rebuild(product)
  const started = product.processes === 'one' ? await startAgain(product) : undefined
  return {
    ...{ sessions, madePerSecond, hot, read, append, hotBeside, opened, list, deepPage, byStatus },
    ...{ history, stateAt, rebuiltPerSecond, ...(started ? { started } : {}) },
    consumers: [consumersBefore, await consumersOf(product)],
  }
}

async function startAgain(product: Product): Promise<SessionsAtRest['started']> {
  await product.gateway().stop()
  const from = performance.now()
  await product.restart()
  const ms = Math.round(performance.now() - from)
  await pause(5000) // What it does after it is ready.
  return { ms, mb: residentNow(product) }
}

type Timed = (count: number, work: () => Promise<unknown>) => Promise<Spread>

async function stateInTheMiddle(api: Product['api'], timed: Timed): Promise<Spread> {
  const session = await api.begin(plainAgent, 'say one')
  for (let turn = 1; turn < longTurns / 2; turn++) await api.turn(session, 'say one')
  const { cursor } = (await api.post(`/v1/sessions/${session}/messages`, { content: 'say one' })) as MessageAccepted
  for (let turn = longTurns / 2; turn < longTurns; turn++) await api.turn(session, 'say one')
  return timed(20, () => api.get(`/v1/sessions/${session}/state?at=${encodeURIComponent(cursor)}`))
}

async function consumersOf({ natsUrl }: Product): Promise<number> {
  const broker = await connectBroker({ url: natsUrl(), name: 'bench consumers' })
  try {
    let consumers = 0
    for await (const { state } of (await jetstreamManager(broker.nc)).streams.list()) consumers += state.consumer_count
    return consumers
  } finally {
    await broker.close()
  }
}

async function rebuild({ natsUrl }: Product): Promise<number> {
  const broker = await connectBroker({ url: natsUrl(), name: 'bench rebuild' })
  const ask = async (verb: 'rebuild' | 'rebuild.progress'): Promise<RebuildProgress> => {
    const reply = await callService<RebuildProgress>(broker, serviceSubject('memory', verb), {})
    if (!reply.ok) throw new Error(reply.error.message)
    return reply.value
  }
  try {
    const from = performance.now()
    for (let progress = await ask('rebuild'); ; progress = await ask('rebuild.progress')) {
      const took = performance.now() - from
      if (progress.kind === 'done') return Math.round((progress.frames * 1000) / took)
      if (took > rebuildWithinMs) throw new Error('the rebuild of the index did not end in time')
      await pause(100)
    }
  } finally {
    await broker.close()
  }
}

/** The lists follow the log: until as many as were made have been counted on the way to the end, or half a minute of no news. */
export async function untilListed(api: Product['api'], sessions: number): Promise<void> {
  const newest = (await api.start(plainAgent)).session.id
  const deadline = performance.now() + 120_000 + sessions
  while (performance.now() < deadline) {
    const { sessions: page } = (await api.get('/v1/sessions?limit=5')) as Page
    if (page.some(({ id }) => id === newest)) return
    await pause(250)
  }
  throw new Error('the list of sessions did not come up to the newest one')
}

async function deepCursor(api: Product['api'], depth: number): Promise<string> {
  let cursor = ''
  for (let at = 0; at < depth; at += 200) {
    const page = (await api.get(`/v1/sessions?limit=200${cursor}`)) as Page
    if (page.next === undefined) break
    cursor = `&after=${encodeURIComponent(page.next)}`
  }
  return cursor
}
