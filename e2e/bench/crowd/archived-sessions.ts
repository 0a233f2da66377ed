// Many sessions that lie in the archive: what they cost a start and the memory behind it, and one of them that is opened again.
//   - They are copies of one session with a turn (copied-sessions.ts), and memory archives each of them.
//   - The same start and the same session are measured before there is anything in the archive.
import { setTimeout as pause } from 'node:timers/promises'
import { copySession } from '../product/copied-sessions.ts'
import { type Memory, memoryProbe } from '../product/memory.ts'
import { type Product, type ProductOptions, plainAgent } from '../product/product.ts'
import { type Spread, spread } from '../report/numbers.ts'
import { plainMessage } from '../turns/turns.ts'

export interface ArchivedSessions {
  readonly sessions: number
  readonly archivedPerSecond: number
  /** ms from the start of the process to its ready line, with an empty archive and with the full one. */
  readonly emptyStartMs: Spread
  readonly startMs: Spread
  /** MB behind such a start. */
  readonly emptyMemory: Memory
  readonly memory: Memory
  /** ms: the whole history of one; a turn in one, until its answer is here. */
  readonly read: Spread
  readonly turn: Spread
}

const afterSeconds = 2
const starts = 3
const opened = 100
const stalledMs = 300_000
const saySeconds = 15

/** Of the product in one process. */
export async function measureArchived(
  open: (options: ProductOptions) => Promise<Product>,
  sessions: number,
  say: (line: string) => void,
): Promise<ArchivedSessions> {
  const product = await open({ inspect: true, settings: { REINS_ARCHIVE_AFTER: `${afterSeconds}s` } })
  const { api } = product
  try {
    const template = await api.begin(plainAgent, plainMessage)
    await untilArchived(product, 1, () => {})
    const empty = await startedAgain(product)
    const alreadyArchived = await archivedSoFar(product)
    const from = performance.now()
    const copies = await copySession(product, template, sessions, say)
    say(`    ${sessions} sessions are made; memory archives them`)
    await untilArchived(product, alreadyArchived + sessions, say)
    const archivedPerSecond = Math.round((sessions * 1000) / (performance.now() - from))
    const full = await startedAgain(product)
    const each = Math.max(1, Math.floor(sessions / opened))
    const old = copies.filter((_, at) => at % each === 0).slice(0, opened)
    return {
      ...{ sessions, archivedPerSecond },
      ...{ emptyStartMs: empty.startMs, startMs: full.startMs, emptyMemory: empty.memory, memory: full.memory },
      read: await timed(old, (session) => api.get(`/v1/sessions/${session}/events?limit=1000`)),
      turn: await timed(old, (session) => api.turn(session, plainMessage)),
    }
  } finally {
    await product.close()
  }
}

async function timed(sessions: readonly string[], work: (session: string) => Promise<unknown>): Promise<Spread> {
  const samples: number[] = []
  for (const session of sessions) {
    const from = performance.now()
    await work(session)
    samples.push(performance.now() - from)
  }
  return spread(samples)
}

async function startedAgain(product: Product): Promise<{ readonly startMs: Spread; readonly memory: Memory }> {
  const samples: number[] = []
  for (let at = 0; at < starts; at++) {
    await product.gateway().stop()
    const from = performance.now()
    await product.restart()
    samples.push(performance.now() - from)
  }
  await pause(5000) // What it does after it is ready.
  const probe = await memoryProbe(product)
  try {
    return { startMs: spread(samples), memory: await probe.read() }
  } finally {
    probe.close()
  }
}

/** By this process: a counter begins anew with it. */
async function archivedSoFar({ url, token }: Product): Promise<number> {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
  const text = await answer.text()
  return Number(/^reins_archive_taken_out_total (\d+)$/m.exec(text)?.[1] ?? 0)
}

async function untilArchived(product: Product, wanted: number, say: (line: string) => void): Promise<void> {
  let [last, changed, said] = [-1, performance.now(), performance.now()]
  for (;;) {
    const now = await archivedSoFar(product)
    if (now >= wanted) return
    if (now > last) changed = performance.now()
    last = now
    if (performance.now() - changed > stalledMs)
      throw new Error(`${now} of ${wanted} sessions lie in the archive, and no more came for ${stalledMs} ms`)
    if (performance.now() - said > saySeconds * 1000) {
      say(`    ${now} of ${wanted} sessions lie in the archive`)
      said = performance.now()
    }
    await pause(250)
  }
}
