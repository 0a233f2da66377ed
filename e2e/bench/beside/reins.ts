// Reins as a peer: the product in one process, every append synced.
import { descendants } from '../product/processes.ts'
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
  const all = (): readonly number[] => {
    const { pid } = product.gateway()
    return [pid, ...descendants(pid).map((one) => one.pid)]
  }
  return {
    name: 'Reins',
    modelUrl,
    note: `${workspace}/note.txt`,
    begin: () => api.begin(toolAgent, toolMessage),
    turn: (session) => api.turn(session, toolMessage),
    pids: all,
    // Nobody waits for it: it is killed.
    beginHeld: () => void api.start(heldAgent, 'say one').catch(() => undefined),
    async killAndStart() {
      const { ended } = product.gateway()
      for (const pid of all()) killed(pid)
      await ended
      await product.restart()
    },
    close: () => product.close(),
  }
}

/** It may be gone with its parent. */
function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone.
  }
}
