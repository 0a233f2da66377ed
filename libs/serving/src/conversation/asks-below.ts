// What a session of the tree waits for, below the one that is talked to.
//   AB1. What waits now is in the tree and in the states; what comes is read from the tree's place on, so nothing lies between.
import { type Ask, newProgress, standingAt, step } from '@reins/client'
import type { StreamItem } from '@reins/contracts'
import type { TalkClient } from './talk.ts'

/** undefined: the signal was aborted. Throws ReinsError. */
export async function firstAskBelow(client: TalkClient, root: string, signal: AbortSignal): Promise<Ask | undefined> {
  const tree = await client.sessions.tree(root) // AB1
  for (const node of tree.nodes) {
    if (signal.aborted) return undefined
    if (node.id === root || !node.waiting || node.waiting.length === 0) continue
    const [ask] = standingAt(await client.sessions.state(node.id), node.id).progress.asks
    if (ask) return ask
  }
  for await (const item of client.sessions.follow(root, { tree: true, deltas: false, after: tree.cursor, signal })) {
    if (!('cursor' in item) || item.session === undefined || item.session === root) continue
    const [ask] = asksOf(item, item.session)
    if (ask) return ask
  }
  return undefined
}

function asksOf(item: StreamItem, session: string): readonly Ask[] {
  if (item.type !== 'approval.requested' && item.type !== 'elicitation.requested') return []
  const { progress } = step({ ...newProgress(session, 0), turn: 'any' }, item)
  return progress.asks.map((ask) => ({ ...ask, session }))
}
