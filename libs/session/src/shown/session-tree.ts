// The sessions of a tree as people see them: in the order of the tree, each with its state, and with what its branch used. Pure.
//   N1. A session that asks tools works; one that only waits for people or for agents below waits. The status of its head says
//       `waiting` of both, since nobody holds it then.
//   N2. A session whose parent is not there stands at the top: it is shown all the same.
//   N3. A session at rest to which something was said waits for an executor that begins with it.
import { addUsd, type BranchUse, type SessionInfo, type TreeNode, type TreeState, type Usage } from '@reins/contracts'
import { type InfoFold, infoOf } from './session-info.ts'

/** Parents before their children, the oldest first. Sessions that were never started are left out. */
export function treeNodes(folds: ReadonlyMap<string, InfoFold>): readonly TreeNode[] {
  const started = [...folds].filter(([, { agent }]) => agent !== null)
  const byAge = started.sort(([a, one], [b, two]) => one.createdAt - two.createdAt || (a < b ? -1 : 1))
  const below = new Map<string | null, string[]>()
  for (const [id, { parent }] of byAge) {
    const above = parent !== null && folds.has(parent) && parent !== id ? parent : null // N2
    const there = below.get(above)
    if (there) there.push(id)
    else below.set(above, [id])
  }
  const nodes: TreeNode[] = []
  const add = (id: string, depth: number): BranchUse => {
    const fold = folds.get(id)
    if (!fold) return nothing
    const state = stateOf(fold)
    const at = nodes.length
    const node = { ...shown(id, fold), depth, state, ...fold.work, doing: [...fold.work.doing] }
    nodes.push({ ...node, branch: nothing })
    let branch = ownUse(state, fold)
    for (const child of below.get(id) ?? []) branch = together(branch, add(child, depth + 1))
    nodes[at] = { ...node, branch }
    return branch
  }
  for (const id of below.get(null) ?? []) add(id, 0)
  return nodes
}

/** The plan and the servers of one session are shown with that session. */
function shown(id: string, fold: InfoFold): SessionInfo {
  const { plan: _, servers: __, ...info } = infoOf(id, fold)
  return info
}

function stateOf({ status, waiting, work }: InfoFold): TreeState {
  switch (status) {
    case 'running':
      return 'running'
    case 'waiting': {
      const asked = new Set(waiting.map(({ call }) => call))
      return work.doing.some(({ call, child }) => child === undefined && !asked.has(call)) ? 'running' : 'waiting' // N1
    }
    case 'paused':
    case 'quarantined':
      return status
    case 'idle':
      // N3
      return work.unbegun ? 'queued' : (work.outcome ?? status)
    case 'ended':
      return work.outcome ?? status
    default:
      return status satisfies never
  }
}

const nothing: BranchUse = {
  ...{ sessions: 0, running: 0, waiting: 0, failed: 0 },
  usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 },
}

const ownUse = (state: TreeState, { usage, usd }: InfoFold): BranchUse => ({
  sessions: 1,
  running: state === 'running' ? 1 : 0,
  waiting: state === 'waiting' || state === 'paused' || state === 'quarantined' ? 1 : 0,
  failed: state === 'failed' ? 1 : 0,
  usage,
  ...(usd > 0 ? { usd } : {}),
})

const together = (a: BranchUse, b: BranchUse): BranchUse => ({
  sessions: a.sessions + b.sessions,
  running: a.running + b.running,
  waiting: a.waiting + b.waiting,
  failed: a.failed + b.failed,
  usage: sum(a.usage, b.usage),
  ...(a.usd === undefined && b.usd === undefined ? {} : { usd: addUsd(a.usd ?? 0, b.usd ?? 0) }),
})

const plus = (a: number, b: number): number => Math.min(a + b, Number.MAX_SAFE_INTEGER)
const sum = (a: Usage, b: Usage): Usage => ({
  inputTokens: plus(a.inputTokens, b.inputTokens),
  outputTokens: plus(a.outputTokens, b.outputTokens),
  cacheReadTokens: plus(a.cacheReadTokens, b.cacheReadTokens),
  cacheWriteTokens: plus(a.cacheWriteTokens, b.cacheWriteTokens),
  reasoningTokens: plus(a.reasoningTokens, b.reasoningTokens),
})
