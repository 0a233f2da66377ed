// A session that is opened again: what happened before, and of that its last turns; and its agents that have not ended.
//   PA1. The tree is asked for first. Reading goes on at its place, which lies before what is read of the logs: what comes twice is
//        known by each transcript, and nothing is missed.
//   PA2. A session that is itself below another one is followed in the tree of its root, where its own branch alone is looked at. Whoever
//        may not read the root sees the session by itself.
//   PA3. Of the sessions below only those are read that are not at their end: what they wait for stands in their logs.
import { type ApiEvent, isChild, rootOf, type SessionTree, type TreeNode } from '@reins/contracts'
import {
  follow,
  followTeam,
  memberOf,
  newTranscript,
  noTeam,
  type Piece,
  type Team,
  type Transcript,
} from '@reins/transcript'
import type { ReinsClient } from '../../client-port.ts'
import { allEvents } from '../../event-pages.ts'

const turnsShown = 3

export interface Past {
  readonly transcript: Transcript
  readonly pieces: readonly Piece[]
  readonly team: Team
  /** Whether it is read on in its tree (PA2). */
  readonly inTree: boolean
  /** Where reading goes on: of the tree, or of the session. */
  readonly cursor: string | undefined
}

export async function readPast(client: ReinsClient, session: string, signal: AbortSignal): Promise<Past> {
  const tree = await treeOf(client, session) // PA1
  const pieces: Piece[] = []
  let transcript = newTranscript
  let cursor: string | undefined
  const delegations: ApiEvent[] = []
  for await (const page of allEvents(client, session, { signal })) {
    for (const event of page.events) {
      const followed = follow(transcript, event)
      transcript = followed.transcript
      pieces.push(...followed.pieces)
      if (event.type.startsWith('delegation.')) delegations.push(event)
    }
    cursor = page.cursor
  }
  const below = nodesBelow(tree?.nodes ?? [], session)
  let team: Team = new Map(below.map((node) => [node.id, memberOf(node)]))
  for (const event of delegations) team = followTeam(team, session, event)
  for (const { id, state } of below) {
    if (state === 'completed' || state === 'failed' || state === 'cancelled' || state === 'ended') continue // PA3
    const member = team.get(id)
    if (signal.aborted) break
    // All its tokens are counted again.
    if (member) team = new Map(team).set(id, { ...member, inputTokens: 0, outputTokens: 0 })
    for await (const page of allEvents(client, id, { signal }))
      for (const event of page.events) team = followTeam(team, id, event)
  }
  return {
    transcript,
    pieces: recentPieces(pieces, session),
    team: team.size === 0 ? noTeam : team,
    inTree: tree !== undefined,
    cursor: tree?.cursor ?? cursor,
  }
}

/** PA2. undefined: the root is not to be read. */
async function treeOf(client: ReinsClient, session: string): Promise<SessionTree | undefined> {
  const tree = await client.sessions.tree(session)
  return !isChild(session) || tree.nodes.some(({ id }) => id === rootOf(session)) ? tree : undefined
}

/** Parents stand before their children. */
function nodesBelow(nodes: readonly TreeNode[], session: string): readonly TreeNode[] {
  const branch = new Set([session])
  return nodes.filter(({ id, parent }) => {
    if (parent === undefined || !branch.has(parent)) return false
    branch.add(id)
    return true
  })
}

/** The last turns, and what to do to see the others. */
function recentPieces(pieces: readonly Piece[], session: string): Piece[] {
  const messages = pieces.flatMap((piece, index) => (piece.kind === 'message' ? [index] : []))
  const first = messages.at(-turnsShown)
  if (first === undefined || messages.length <= turnsShown) return [...pieces]
  const earlier = messages.length - turnsShown
  const text = `… ${earlier} earlier ${earlier === 1 ? 'message' : 'messages'}: reins session replay ${session}`
  return [{ kind: 'notice', level: 'info', text }, ...pieces.slice(first)]
}
