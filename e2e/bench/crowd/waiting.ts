// Sessions that wait: for a model that is silent, for a person who has to approve a call, for a timer. What they take of memory and of the
// processor while nothing happens, and how long a hundred of them take to go on and end, all told at once.
//   - Each kind has a product of its own, whose heaps are measured after a collection.
//   - All of them come to wait by themselves, by turns and runs of the product.
import { setTimeout as pause } from 'node:timers/promises'
import { type CpuOf, cpuOf, type Memory, memoryProbe } from '../product/memory.ts'
import { many } from '../product/many.ts'
import { JsonClient } from '../product/json-client.ts'
import { askingAgent, type Product, type ProductOptions, silentAgent } from '../product/product.ts'
import { type Spread, spread } from '../report/numbers.ts'
import { deployBench, type Ended } from '../runs/bench-project.ts'
import { toolMessage } from '../turns/turns.ts'

export type WaitsFor = 'model' | 'person' | 'timer'

export interface Waiting {
  readonly for: WaitsFor
  readonly sessions: number
  /** How many began to wait a second. */
  readonly begunPerSecond: number
  /** KB a session. */
  readonly memoryKb: Memory
  /** ms of the processor in a second in which nothing happens, with all of them and without. */
  readonly cpu: CpuOf
  readonly cpuWithout: CpuOf
  /** ms from the moment in which all that go on are told until the turn of each is over. */
  readonly goOnMs: Spread
}

export interface WaitingOptions {
  readonly sessions: number
  /** Over which the processor is looked at. */
  readonly seconds: number
  /** How many go on. */
  readonly goOn: number
}

const atOnce = 24
const silentWithinMs = 120_000
/** Some that end, so that pools exist and the code is compiled. */
const tried = 60

/** All of them at one provider: what is beyond the setting waits in order, and holds no call. */
export const waitingSettings = { REINS_WAITING_CALLS: '20000', REINS_MODEL_IDLE_TIMEOUT_MS: '3600000' }

/** What one kind does: `begin` resolves when the session waits, `end` tells it to go on and resolves when it is over. */
interface Kind {
  begin(number: number): Promise<void>
  /** All of them wait by now. */
  settled?(sessions: number): Promise<void>
  /** ms from the word to the end of each. */
  goOn(numbers: readonly number[]): Promise<readonly number[]>
}

export async function measureWaiting(
  open: (options: ProductOptions) => Promise<Product>,
  waitsFor: WaitsFor,
  { sessions, seconds, goOn }: WaitingOptions,
): Promise<Waiting> {
  const product = await open({ inspect: true, settings: waitingSettings })
  const probe = await memoryProbe(product)
  try {
    const kind = await kinds[waitsFor](product)
    const first = Array.from({ length: tried }, (_, at) => sessions + at)
    await many(tried, atOnce, (at) => kind.begin(first[at] ?? 0))
    await kind.settled?.(tried)
    await kind.goOn(first)
    const cpuWithout = await cpuOver(product, seconds / 3)
    const before = await probe.read()
    const from = performance.now()
    await many(sessions, atOnce, (at) => kind.begin(at))
    const begunPerSecond = Math.round((sessions * 1000) / (performance.now() - from))
    await kind.settled?.(sessions)
    const after = await probe.read()
    const cpu = await cpuOver(product, seconds)
    const each = Math.floor(sessions / goOn)
    const ms = await kind.goOn(Array.from({ length: goOn }, (_, at) => at * each))
    return {
      ...{ for: waitsFor, sessions, begunPerSecond, cpu, cpuWithout, goOnMs: spread(ms) },
      memoryKb: kbEach(before, after, sessions),
    }
  } finally {
    probe.close()
    await product.close()
  }
}

export const kbEach = (before: Memory, after: Memory, sessions: number): Memory => {
  const each = (of: keyof Memory): number => Math.round(((after[of] - before[of]) * 1024 * 100) / sessions) / 100
  return { resident: each('resident'), heap: each('heap'), nats: each('nats') }
}

async function cpuOver(product: Product, seconds: number): Promise<CpuOf> {
  await pause(2000) // What a collection and the last appends left behind.
  const [from, before] = [performance.now(), cpuOf(product)]
  await pause(seconds * 1000)
  const [took, after] = [(performance.now() - from) / 1000, cpuOf(product)]
  const aSecond = (of: keyof CpuOf): number => Math.round(((after[of] - before[of]) * 10) / took) / 10
  return { reins: aSecond('reins'), nats: aSecond('nats') }
}

const kinds: Readonly<Record<WaitsFor, (product: Product) => Kind | Promise<Kind>>> = {
  model: waitingForModel,
  person: waitingForPerson,
  timer: waitingForTimer,
}

function waitingForModel({ api, clockUrl }: Product): Kind {
  const model = new JsonClient(clockUrl)
  const { pathname } = new URL(clockUrl)
  const ids = new Map<number, string>()
  const held = async (): Promise<number> => (await model.json<{ held: number }>('GET', `${pathname}/held`)).held
  return {
    async begin(number) {
      ids.set(number, (await api.start(silentAgent, `think ${number}`)).session.id)
    },
    async settled(sessions) {
      let last = 0
      for (let changed = performance.now(); last < sessions; await pause(100)) {
        const now = await held()
        if (now > last) changed = performance.now()
        last = now
        if (performance.now() - changed > silentWithinMs)
          throw new Error(`the model holds ${last} calls of ${sessions}, and no more came`)
      }
    },
    async goOn(numbers) {
      const over = await Promise.all(numbers.map((number) => turnOver(api, ids.get(number) ?? '')))
      const from = performance.now()
      await model.json('POST', `${pathname}/answers`, { numbers })
      return Promise.all(over.map(async (at) => (await at.ended) - from))
    },
  }
}

interface Watched {
  /** performance.now() */
  readonly ended: Promise<number>
}

/** Resolves when it is watched. */
async function turnOver(api: Product['api'], session: string): Promise<Watched> {
  const ended = Promise.withResolvers<number>()
  ended.promise.catch(() => {})
  const stream = await api.follow(
    session,
    ({ type, data }) => {
      if (type === 'turn.completed') ended.resolve(performance.now())
      if (type === 'turn.failed') ended.reject(new Error(`a turn failed: ${data}`))
    },
    () => ended.reject(new Error('the stream broke')),
  )
  return { ended: ended.promise.finally(() => stream.close()) }
}

function waitingForPerson({ api }: Product): Kind {
  const asked = new Map<number, AskedPerson>()
  return {
    async begin(number) {
      asked.set(number, await askPerson(api))
    },
    goOn: (numbers) => approveAll(api, [...numbers.flatMap((number) => asked.get(number) ?? [])]),
  }
}

export interface AskedPerson {
  readonly session: string
  readonly call: string
}

/** A turn of the product, up to where it asks. */
export async function askPerson(api: Product['api']): Promise<AskedPerson> {
  const { session } = await api.start(askingAgent, toolMessage)
  const asked = Promise.withResolvers<string>()
  const stream = await api.follow(
    session.id,
    ({ type, data }) => {
      if (type === 'approval.requested') asked.resolve((JSON.parse(data) as { data: { call: string } }).data.call)
      if (type === 'turn.failed') asked.reject(new Error(`a turn failed: ${data}`))
    },
    () => asked.reject(new Error('the stream broke')),
  )
  try {
    return { session: session.id, call: await asked.promise }
  } finally {
    asked.promise.catch(() => {})
    stream.close()
  }
}

/** ms until the turn of each is over, from the moment in which all are approved. */
export async function approveAll(api: Product['api'], asked: readonly AskedPerson[]): Promise<readonly number[]> {
  const over = await Promise.all(asked.map(({ session }) => turnOver(api, session)))
  const from = performance.now()
  await Promise.all(
    asked.map(({ session, call }) => api.post(`/v1/sessions/${session}/approvals/${call}`, { verdict: 'approved' })),
  )
  return Promise.all(over.map(async (at) => (await at.ended) - from))
}

/** They wake at a time. Those that are to go on are begun last, and their time is near. */
async function waitingForTimer(product: Product): Promise<Kind> {
  const { api } = product
  await deployBench(product, 1)
  const sleep = async (at: number): Promise<string> =>
    ((await api.post('/v1/runs', { workflow: 'sleeper', payload: { at } })) as { run: { runId: string } }).run.runId
  const begun: string[] = []
  return {
    async begin() {
      begun.push(await sleep(Date.now() + hourMs))
    },
    async settled() {
      const until = performance.now() + silentWithinMs
      for (const run of begun.slice(-2 * atOnce))
        for (const session = run.replace('run_', ''); ; await pause(50)) {
          const { status } = (await api.get(`/v1/sessions/${session}`)) as { readonly status: string }
          if (status === 'waiting') break
          if (performance.now() > until) throw new Error(`${run} is ${status} and does not wait for its timer`)
        }
    },
    async goOn(numbers) {
      const at = Date.now() + 10_000
      const woken = await many(numbers.length, atOnce, () => sleep(at))
      return many(woken.length, woken.length, async (index) => {
        const run = (await api.get(`/v1/runs/${woken[index]}?wait=result`)) as Ended
        if (run.status !== 'completed') throw new Error(`a sleeper did not complete: ${JSON.stringify(run)}`)
        return (run.result as { readonly late: number }).late
      })
    },
  }
}

const hourMs = 3_600_000
