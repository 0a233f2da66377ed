// kill -9 of everything that the product runs, in the second model call of a turn, behind a tool that must not run twice: until it is ready
// again, until the model is asked again, and until the turn is done. ack_wait is the product's own.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { HeldModel } from '../product/held-model.ts'
import { killAll } from '../product/processes.ts'
import type { Product, ProductOptions } from '../product/product.ts'

export interface EverythingKilled {
  /** ms from the kill, each time. */
  readonly readyMs: readonly number[]
  readonly goingOnMs: readonly number[]
  readonly doneMs: readonly number[]
  /** How often a tool ran more than once: 0. */
  readonly repeated: number
}

const agent = 'bench-held-tool'
const withinMs = 60_000
const file = 'counted.txt'
/** Another run of it would find its text again, and leave one more mark. */
const tool = { name: 'edit_file', args: { path: file, old_string: 'end', new_string: 'x end' } }

/** Of the product in one process. */
export async function measureEverythingKilled(
  open: (options: ProductOptions) => Promise<Product>,
  times: number,
): Promise<EverythingKilled> {
  await using stack = new AsyncDisposableStack()
  const model = new HeldModel()
  stack.defer(async () => model.close())
  const product = await open({ providers: [{ name: 'still', baseUrl: await model.open() }] })
  stack.defer(() => product.close())
  const { api, workspace } = product
  await api.putAgent({
    ...{ name: agent, model: 'still/assistant', system_prompt: 'You are measured.' },
    ...{ tools: [{ files: { workspace } }], workspace_context: false },
  })
  const all = { readyMs: [] as number[], goingOnMs: [] as number[], doneMs: [] as number[] }
  let repeated = 0
  for (let i = 0; i < times; i++) {
    writeFileSync(path.join(workspace, file), 'end')
    const turn = model.turn(tool)
    const asked = turn.asked(`turn ${i + 1}`, performance.now(), withinMs)
    const { session } = await api.start(agent, turn.message)
    await asked
    const from = performance.now()
    await killAll(product.gateway())
    await model.forgetConnections()
    turn.answer()
    const gone = performance.now()
    await product.restart()
    all.readyMs.push(Math.round(performance.now() - from))
    const done = await doneAt(product, session.id)
    all.goingOnMs.push(Math.round((await turn.asked(`turn ${i + 1}, after the kill,`, gone, withinMs)) - from))
    all.doneMs.push(Math.round(done - from))
    if (readFileSync(path.join(workspace, file), 'utf8') !== 'x end') repeated++
    turn.over()
  }
  return { ...all, repeated }
}

async function doneAt({ api }: Product, session: string): Promise<number> {
  const ended = Promise.withResolvers<number>()
  const late = setTimeout(() => ended.reject(new Error(`${session} was not done within ${withinMs} ms`)), withinMs)
  const stream = await api.follow(session, ({ type, data }) => {
    if (type === 'turn.completed') ended.resolve(performance.now())
    if (type === 'turn.failed') ended.reject(new Error(`a turn failed: ${data}`))
  })
  try {
    return await ended.promise
  } finally {
    clearTimeout(late)
    stream.close()
  }
}
