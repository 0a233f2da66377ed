// The tree of a delegation over the API: each session of it, how it stands, what it waits for, and what its branch used.
import { type Static, Type } from 'typebox'
import { Usage } from '../events/content.ts'
import { Stopped } from '../events/delegation.ts'
import { SessionInfo } from './api.ts'

const closed = { additionalProperties: false } as const

/** A call that runs, or that an agent below works on. */
export const Doing = Type.Object(
  {
    call: Type.String(),
    name: Type.String({ description: 'The tool; of a delegation, the agent' }),
    since: Type.Integer({ description: 'epoch ms' }),
    child: Type.Optional(Type.String({ description: 'Of a delegation: the session that works on it' })),
  },
  closed,
)
export type Doing = Static<typeof Doing>

export const treeStates = [
  'queued',
  'running',
  'waiting',
  'paused',
  'quarantined',
  'completed',
  'failed',
  'cancelled',
  'idle',
  'ended',
] as const
export type TreeState = (typeof treeStates)[number]

/** What the index keeps of a session's work, beside what lists show. */
export const SessionWork = Type.Object(
  {
    /** The call of the session above that it was made for. */
    call: Type.Optional(Type.String()),
    /** epoch ms: when the open turn began; absent: none is open. */
    since: Type.Optional(Type.Integer()),
    /** ms of all turns that have ended. */
    worked: Type.Integer(),
    /** How the latest turn ended; absent: none has, or one is open. */
    outcome: Type.Optional(Type.Union([Type.Literal('completed'), Type.Literal('failed'), Type.Literal('cancelled')])),
    /** Why it failed. */
    why: Type.Optional(Type.String()),
    /** Messages that are in no turn yet; absent: none. */
    unbegun: Type.Optional(Type.Integer()),
    doing: Type.Array(Doing),
  },
  closed,
)
export type SessionWork = Static<typeof SessionWork>

/** A session with everything below it. */
export const BranchUse = Type.Object(
  {
    sessions: Type.Integer({ description: 'The session itself among them' }),
    running: Type.Integer(),
    waiting: Type.Integer({ description: 'For people, for agents below, or for a paused session to be resumed' }),
    failed: Type.Integer(),
    usage: Usage,
    usd: Type.Optional(Type.Number({ description: 'Absent where no price is known' })),
  },
  closed,
)
export type BranchUse = Static<typeof BranchUse>

export const TreeNode = Type.Object(
  {
    ...SessionInfo.properties,
    depth: Type.Integer({ description: '0: the root' }),
    state: Type.Unsafe<TreeState>(Type.Union(treeStates.map((state) => Type.Literal(state)))),
    ...SessionWork.properties,
    branch: BranchUse,
  },
  closed,
)
export type TreeNode = Static<typeof TreeNode>

/** Parents before their children, the oldest first. */
export const SessionTree = Type.Object(
  {
    root: Type.String(),
    cursor: Type.String({ description: 'Of the tree: what happened behind it is not in the answer yet' }),
    nodes: Type.Array(TreeNode),
    unreadable: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'Sessions of which something cannot be read, because what the archive holds of them is gone or damaged. What is known of them is among the nodes',
      }),
    ),
  },
  closed,
)
export type SessionTree = Static<typeof SessionTree>

/** What the latest cancel of a session, or its pause with everything below, has come to. */
export const TreeStop = Type.Object(
  {
    what: Type.Union([Type.Literal('cancel'), Type.Literal('pause')]),
    complete: Type.Boolean({ description: 'Whether every session that had to stop has said that it has' }),
    ...Stopped.properties,
    pending: Type.Array(Type.Object({ session: Type.String(), agent: Type.String() }, closed), {
      description: 'Sessions just below that have not said so yet',
    }),
  },
  closed,
)
export type TreeStop = Static<typeof TreeStop>

/**
 * `sessions.tree` of the memory service: the sessions of a tree as the index has them, in pages by id. All frames of the tree up to
 * `upTo` are accounted for; those behind it are read from the stream.
 */
export interface IndexedTree {
  readonly upTo: number
  readonly sessions: readonly IndexedSession[]
  /** Give it back as `after`. */
  readonly next?: string
}
export interface IndexedSession {
  readonly info: SessionInfo
  readonly work: SessionWork
  readonly faulted: boolean
  readonly seq: number
  readonly n: number
}
