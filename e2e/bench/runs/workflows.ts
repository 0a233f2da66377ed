// Workflows of a project, from the request until their result is here; and what a replay of a long one costs.
import { type Spread, spread } from '../report/numbers.ts'
import type { Product } from '../product/product.ts'
import { type BenchWorkflow, deployBench, type Ended, runToItsEnd } from './bench-project.ts'

export interface Workflows {
  /** ms from the request to the result: a function that returns at once, three steps, one prompt of an agent. */
  readonly nothingMs: Spread
  readonly stepsMs: Spread
  readonly promptMs: Spread
  /** ms from an event for a run of so many operations until its result is here: it is replayed once. */
  readonly replays: readonly { readonly operations: number; readonly ms: Spread }[]
}

export async function measureWorkflows(product: Product, times: number, sizes: readonly number[]): Promise<Workflows> {
  const { api } = product
  await deployBench(product, 1)
  const timed = async (workflow: BenchWorkflow, count: number): Promise<Spread> => {
    const ms: number[] = []
    for (let i = 0; i < count; i++) {
      const from = performance.now()
      await runToItsEnd(api, workflow)
      ms.push(performance.now() - from)
    }
    return spread(ms)
  }
  for (const workflow of ['nothing', 'steps', 'prompt'] as const) await timed(workflow, 20)
  const [nothingMs, stepsMs, promptMs] = [
    await timed('nothing', times),
    await timed('steps', times),
    await timed('prompt', times),
  ]
  const replays: { operations: number; ms: Spread }[] = []
  for (const operations of sizes) {
    const ms: number[] = []
    for (let i = 0; i < 3; i++) ms.push(await replayed(product, operations))
    replays.push({ operations, ms: spread(ms) })
  }
  return { nothingMs, stepsMs, promptMs, replays }
}

/** ms from the event to the result. */
async function replayed({ api }: Product, operations: number): Promise<number> {
  const started = (await api.post('/v1/runs', { workflow: 'long', payload: { operations } })) as {
    readonly run: { readonly runId: string }
  }
  const { runId } = started.run
  for (;;) {
    const run = (await api.get(`/v1/runs/${runId}`)) as Ended & { readonly waiting?: readonly unknown[] }
    if (run.waiting) break
    if (run.status !== 'active') throw new Error(`a long run ended early: ${JSON.stringify(run).slice(0, 500)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const from = performance.now()
  await api.post(`/v1/runs/${runId}/deliveries`, { event: 'end', value: 1 })
  const ended = (await api.get(`/v1/runs/${runId}?wait=result`)) as Ended
  if (ended.result !== operations)
    throw new Error(`a long run did not complete: ${JSON.stringify(ended).slice(0, 500)}`)
  return performance.now() - from
}
