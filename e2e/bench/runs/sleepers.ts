// Many runs that sleep: what they take of memory, how much too late they wake, and whether another build meanwhile changes anything for them.
import { setTimeout as pause } from 'node:timers/promises'
import { many } from '../product/many.ts'
import { residentMb } from '../product/processes.ts'
import type { Product } from '../product/product.ts'
import { type Spread, spread } from '../report/numbers.ts'
import { deployBench, type Ended } from './bench-project.ts'

export interface Sleepers {
  readonly runs: number
  /** How many were started a second. */
  readonly startedPerSecond: number
  /** KB of resident memory a run that sleeps, of all processes of the product and of nats-server. */
  readonly productKb: number
  readonly natsKb: number
  /** ms between the time that a run asked for and its step behind it. */
  readonly late: Spread
  /** Runs that ended with another build than the one that they began with: 0. */
  readonly changed: number
}

const atOnce = 24
/** Wake-ups a second. */
const rate = 50
const tryRuns = 200

export async function measureSleepers(product: Product, runs: number): Promise<Sleepers> {
  const { api } = product
  await deployBench(product, 1)
  const start = async (at: number): Promise<string> => {
    const { run } = (await api.post('/v1/runs', { workflow: 'sleeper', payload: { at } })) as {
      readonly run: { readonly runId: string }
    }
    return run.runId
  }
  // How long starting takes is found out first, so that none wakes before all sleep.
  const tried = performance.now()
  await many(tryRuns, atOnce, () => start(Date.now() + 1))
  const eachMs = (performance.now() - tried) / tryRuns
  await pause(5_000)
  const memory = () => ({ product: productMb(product), nats: natsMb(product) })
  const before = memory()
  const first = Date.now() + 2 * eachMs * runs + 30_000
  const from = performance.now()
  const ids = await many(runs, atOnce, (index) => start(first + (index * 1_000) / rate))
  const startedPerSecond = Math.round((runs * 1_000) / (performance.now() - from))
  await pause(5_000)
  if (Date.now() > first) throw new Error('runs woke before all of them had been started')
  const after = memory()
  await deployBench(product, 2)
  await pause(first - Date.now() + (runs * 1_000) / rate)
  const results = await many(runs, atOnce, async (index) => ended(product, ids[index] ?? ''))
  const perRun = (kind: 'product' | 'nats') => Math.round(((after[kind] - before[kind]) * 1024 * 10) / runs) / 10
  return {
    ...{ runs, startedPerSecond, productKb: perRun('product'), natsKb: perRun('nats') },
    late: spread(results.map(({ late }) => late)),
    changed: results.filter(({ version }) => version !== 1).length,
  }
}

async function ended({ api }: Product, id: string): Promise<{ readonly late: number; readonly version: number }> {
  const run = (await api.get(`/v1/runs/${id}?wait=result`)) as Ended
  if (run.status !== 'completed') throw new Error(`a sleeper did not complete: ${JSON.stringify(run)}`)
  return run.result as { late: number; version: number }
}

const productMb = (product: Product): number => product.services().reduce((sum, { pid }) => sum + residentMb(pid), 0)
const natsMb = (product: Product): number =>
  product
    .pids()
    .filter(({ name }) => name === 'nats-server')
    .reduce((sum, { pid }) => sum + residentMb(pid), 0)
