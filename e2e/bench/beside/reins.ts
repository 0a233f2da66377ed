// Reins as a peer: the product in one process, every append synced.
import { allOf, killAll } from '../product/processes.ts'
import { startProduct, toolAgent } from '../product/product.ts'
import { toolMessage } from '../turns/turns.ts'
import type { Peer } from './peers.ts'

const heldAgent = 'bench-held-answer'

export interface ReinsPeer extends Peer {
  /** Of the scripted model that all peers ask. */
  readonly modelUrl: string
  /** What the tool reads. */
  readonly note: string
}

export async function startReins(heldUrl: string): Promise<ReinsPeer> {
  const product = await startProduct('fsync', 'one', { providers: [{ name: 'still', baseUrl: heldUrl }] })
  const { api, workspace, modelUrl } = product
  await api.putAgent({ name: heldAgent, model: 'still/assistant', system_prompt: 'You are measured.' })
  return {
    name: 'Reins',
    modelUrl,
    note: `${workspace}/note.txt`,
    begin: () => api.begin(toolAgent, toolMessage),
    turn: (session) => api.turn(session, toolMessage),
    pids: () => allOf(product.gateway()),
    beginHeld: async (_, message) => void (await api.start(heldAgent, message)),
    kill: () => killAll(product.gateway()),
    startAgain: () => product.restart(),
    close: () => product.close(),
  }
}
