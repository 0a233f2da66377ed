// Reins as a peer: the product in one process, every append synced.
import { allOf, killAll } from '../product/processes.ts'
import { startProduct, toolAgent } from '../product/product.ts'
import { type BenchWorkflow, deployBench, runToItsEnd } from '../runs/bench-project.ts'
import { toolMessage } from '../turns/turns.ts'
import { type Contender, contenderOf, type Peer } from './peers.ts'

const heldAgent = 'bench-held-answer'

export interface ReinsPeer extends Peer {
  /** Of the scripted model that all peers ask. */
  readonly modelUrl: string
  /** What the tool reads. */
  readonly note: string
  /** Runs of a workflow of the benchmark's project. */
  workflow(name: BenchWorkflow): Contender
}

/** `heldUrl`: of the model that is held, where turns are to be begun with it. */
export async function startReins(heldUrl?: string): Promise<ReinsPeer> {
  const providers = heldUrl === undefined ? [] : [{ name: 'still', baseUrl: heldUrl }]
  const product = await startProduct('fsync', 'one', { providers })
  const { api, workspace, modelUrl } = product
  if (heldUrl !== undefined)
    await api.putAgent({ name: heldAgent, model: 'still/assistant', system_prompt: 'You are measured.' })
  await deployBench(product, 1)
  const pids = (): readonly number[] => allOf(product.gateway())
  return {
    name: 'Reins',
    modelUrl,
    note: `${workspace}/note.txt`,
    begin: () => api.begin(toolAgent, toolMessage),
    turn: (session) => api.turn(session, toolMessage),
    workflow: (name) => contenderOf(() => runToItsEnd(api, name), { pids }),
    pids,
    beginHeld: async (_, message) => void (await api.start(heldAgent, message)),
    kill: () => killAll(product.gateway()),
    startAgain: () => product.restart(),
    close: () => product.close(),
  }
}
