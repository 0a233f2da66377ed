// The tree of a delegation: each session of it as it is now, and what each branch used.
//   ST1. The index has the sessions of a tree, and says up to which sequence it accounts for them. What lies behind is read from the
//        stream, of the tree alone: so no log is read whole, and the answer is as new as the stream.
//   ST3. A session of which something cannot be read is shown as far as it is known, and is named. It hides no other one.
//   ST2. Where the index is away the tree is read from its stream alone. That takes longer, and needs no database.
import {
  encodeCursor,
  everyEvent,
  type IndexedSession,
  type IndexedTree,
  isSessionId,
  ReinsError,
  rootOf,
  type SessionTree,
  type TreeStop,
} from '@reins/contracts'
import { follow, type SessionFeed, type SessionFrame, type SessionLog } from '@reins/journal'
import { emptyInfo, foldInfo, type InfoFold, stopOf, treeNodes } from '@reins/session'
import type { CallService } from '../../ports.ts'
import { among } from '../access/needs.ts'
import type { SessionAgents } from '../access/session-agents.ts'
import { allowedTo, type Caller } from '../caller.ts'
import type { QueueBoard } from '../operating/queue-board.ts'
import { operations } from '../operations.ts'
import { notFound } from '../writes/appender.ts'
import { fromIndex } from './from-index.ts'
import { type SessionFolds, treeFramesOf } from './session-folds.ts'

export interface TreeParts {
  readonly sessions: SessionLog
  readonly feed: SessionFeed
  readonly folds: SessionFolds
  readonly access: SessionAgents
  readonly stopWithinMs: number
  readonly call: CallService
  readonly queues: Pick<QueueBoard, 'of'>
  /** Sessions that this process could not read. */
  readonly unreadable: () => readonly string[]
}

/** Sessions of one answer of the index, which has to fit a message. */
const pageSize = 400

export class SessionTrees {
  readonly #parts: TreeParts
  constructor(parts: TreeParts) {
    this.#parts = parts
  }

  /** Of any session of the tree. Throws session_not_found. */
  async tree(caller: Caller, session: string): Promise<SessionTree> {
    if (!isSessionId(session)) throw notFound(session)
    await this.#parts.access.authorize(caller, operations.showTree, session)
    const root = rootOf(session)
    const { folds, upTo } = await this.#indexed(root)
    const lacking = new Set(this.#parts.unreadable().filter((id) => rootOf(id) === root))
    let last: SessionFrame | undefined
    for await (const one of treeFramesOf(this.#parts.sessions, root, upTo, (id) => lacking.add(id))) {
      folds.set(one.session, foldInfo(folds.get(one.session) ?? emptyInfo, one.frame))
      last = one
    }
    if (!last || !folds.has(session)) throw notFound(session)
    const allowed = allowedTo(caller, operations.showTree)
    const mayRead = (id: string) => among(allowed, { session: id, agent: folds.get(id)?.agent ?? undefined })
    const unreadable = [...lacking].filter(mayRead).sort()
    for (const id of folds.keys()) if (!mayRead(id)) folds.delete(id)
    const { seq, n } = last.frame
    const i = everyEvent(last.frame).length - 1
    const nodes = treeNodes(folds).map((node) => {
      const queued = this.#parts.queues.of(node.id)
      return queued ? { ...node, queued } : node
    })
    const cursor = encodeCursor({ of: root, tree: true, session: last.session, seq, n, i })
    return { root, cursor, nodes, ...(unreadable.length === 0 ? {} : { unreadable }) }
  }

  /**
   * What the latest cancel, or the pause with everything below, has come to. `wait`: until all have said so, until it aborts, or for as
   * long as a turn is waited for. Throws session_not_found.
   */
  async stop(caller: Caller, session: string, wait?: AbortSignal): Promise<TreeStop | null> {
    await this.#parts.access.authorize(caller, operations.showStop, session)
    const { sessions, feed, folds, stopWithinMs } = this.#parts
    const { fold } = await folds.folded(session)
    let stop = stopOf(fold.session)
    if (!wait || !stop || stop.complete) return stop
    const over = AbortSignal.any([wait, AbortSignal.timeout(stopWithinMs)])
    let news = Promise.withResolvers<void>()
    const end = () => news.resolve()
    over.addEventListener('abort', end, { once: true })
    const following = follow(sessions, feed, session, fold.head.seq, { onFrames: () => news.resolve() })
    try {
      while (stop && !stop.complete && !over.aborted) {
        await news.promise
        news = Promise.withResolvers()
        if (over.aborted) news.resolve()
        stop = stopOf((await folds.folded(session)).fold.session)
      }
      return stop
    } finally {
      following.close()
      over.removeEventListener('abort', end)
    }
  }

  /** ST1. `upTo` lies before the newest frame that is accounted for, so that it is read once more, for its cursor. */
  async #indexed(root: string): Promise<{ readonly folds: Map<string, InfoFold>; readonly upTo: number }> {
    const folds = new Map<string, InfoFold>()
    let upTo = Number.POSITIVE_INFINITY
    let after: string | undefined
    try {
      do {
        const request = { root, limit: pageSize, ...(after === undefined ? {} : { after }) }
        const page = await fromIndex<IndexedTree>(this.#parts.call, 'sessions.tree', request)
        upTo = Math.min(upTo, page.upTo)
        for (const one of page.sessions) folds.set(one.info.id, foldFrom(one))
        after = page.next
      } while (after !== undefined)
    } catch (error) {
      if (!(error instanceof ReinsError) || error.code !== 'unavailable') throw error
      return { folds: new Map(), upTo: 0 } // ST2
    }
    const newest = Math.max(0, ...[...folds.values()].map(({ last }) => last.seq))
    return { folds, upTo: Math.max(0, Math.min(upTo, newest - 1)) }
  }
}

const foldFrom = ({ info, work, faulted, seq, n }: IndexedSession): InfoFold => ({
  parent: info.parent ?? null,
  agent: info.agent,
  digest: info.digest,
  model: info.model ?? null,
  instance: info.instance ?? null,
  status: info.status,
  // Lists say nothing of it, and a tree does not show it.
  archived: false,
  erased: info.erased ?? null,
  faulted,
  title: info.title ?? null,
  forked: info.forkedFrom ?? null,
  waiting: info.waiting ?? [],
  work,
  turns: info.turns,
  usage: info.usage,
  usd: info.usd ?? 0,
  principal: info.principal ?? null,
  // Only the index asks for it.
  turn: null,
  createdAt: info.createdAt,
  lastActivityAt: info.lastActivityAt,
  last: { seq, n, i: -1 },
})
