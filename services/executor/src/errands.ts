// Errands: what a trigger asks of another session (PROTOCOL 8). Each appends one frame there, or finds that it is done.
import { draftOn, makeShortId, type Order, toExec } from '@reins/contracts'
import type { SessionLog, WorkQueue } from '@reins/journal'
import type { Clock } from '@reins/service'
import {
  childStart,
  type Errand,
  type Fold,
  foldFrames,
  type Session,
  sessionStarted,
  settlement,
} from '@reins/session'
import { pinnedTools } from '@reins/tools'
import type { Definitions } from './definitions.ts'
import { type FoldSource, loadFold } from './snapshots.ts'

export interface ErrandContext extends FoldSource {
  readonly instance: string
  readonly sessions: Pick<SessionLog, 'read' | 'append'>
  readonly work: Pick<WorkQueue, 'ensurePool'>
  readonly definitions: Pick<Definitions, 'resolved'>
  readonly clock: Clock
  readonly stopping: AbortSignal
}

/** `pool`: whose executors the errand was addressed to. */
export async function doErrand(
  context: ErrandContext,
  id: string,
  session: Session,
  errand: Errand,
  pool: string,
): Promise<void> {
  switch (errand.kind) {
    case 'create-child':
      return createChild(context, id, session, errand)
    case 'cancel-child':
      return cancelChild(context, errand, pool)
    case 'settle-parent':
      return settleParent(context, session)
    default:
      errand satisfies never
  }
}

async function createChild(
  context: ErrandContext,
  parent: string,
  session: Session,
  errand: Extract<Errand, { kind: 'create-child' }>,
): Promise<void> {
  const { child, call, digest, agent, instruction } = errand
  const resolved = await context.definitions.resolved(digest)
  if (!session.born) return
  // Not to be passed over: the parent would wait for ever. It is tried again, and in the end the parent is quarantined.
  if (!resolved) throw new Error(`the definition ${digest} of the agent ${agent} is not in the registry`)
  const { definition, toolset } = resolved
  const data = sessionStarted({
    ...{ agent, digest, definition },
    toolset: toolset.kind === 'resolved' ? pinnedTools(toolset.tools) : [],
    parent: { session: parent, call, pool: session.born.pools.executor },
  })
  const { executor, tools } = data.pools
  await Promise.all([
    context.work.ensurePool('exec', executor, definition.affinity ?? {}),
    context.work.ensurePool('tool', tools, definition.affinity ?? {}),
  ])
  const trace = session.turn?.trace
  // At expected 0 or not at all: a child that is there already, cancelled or not, is done (I2).
  await appendTo(context, child, (fold) =>
    fold.head.n > 0
      ? null
      : {
          events: childStart(data, `m-${call}`, instruction),
          pool: executor,
          status: 'idle',
          trace,
        },
  )
}

async function cancelChild(
  context: ErrandContext,
  { child }: Extract<Errand, { kind: 'cancel-child' }>,
  pool: string,
): Promise<void> {
  await appendTo(context, child, ({ session, head }) => {
    if (session.mode.kind === 'ended' || (session.cancel && session.cancel.kind !== 'interrupt')) return null
    if (head.n > 0 && !session.turn && session.inbox.length === 0) return null
    return {
      events: [{ type: 'cancel.requested', data: { cancel: makeShortId(context.clock.random) } }],
      pool: head.pool || pool,
      // As its first frame it is the end of a child that nobody has made yet.
      status: head.n === 0 ? 'ended' : head.status,
    }
  })
}

async function settleParent(context: ErrandContext, child: Session): Promise<void> {
  const parent = child.born?.parent
  if (!parent) return
  await appendTo(context, parent.session, ({ session, head }) => {
    const settled = settlement(session, parent.call, child)
    const trace = session.turn?.trace
    return (
      settled && {
        events: [settled],
        pool: parent.pool,
        status: head.status,
        trace,
      }
    )
  })
}

/** A message to the other session's executors. */
type Message = Pick<Order, 'events' | 'status' | 'trace'> & { readonly pool: string }

/**
 * Reads the other session, decides, appends; again when somebody was first. Addressed to its executors: the frame is its trigger.
 * That there is nothing to append is believed of the leader only: a lagging copy may not have what the errand is about.
 */
async function appendTo(context: ErrandContext, id: string, decide: (fold: Fold) => Message | null): Promise<void> {
  let fold = await loadFold(context, id, Number.POSITIVE_INFINITY)
  let current = false
  for (;;) {
    const message = decide(fold)
    if (!message) {
      if (current) return
      const { head } = fold
      fold = foldFrames(fold, await context.reading(() => context.sessions.read(id, { after: head.seq, leader: true })))
      current = true
      continue
    }
    const { head } = fold
    const to = toExec(message.pool)
    const draft = draftOn(
      head,
      { frame: makeShortId(context.clock.random), by: context.instance, role: 'e' },
      { ...message, to, pool: head.pool || message.pool, at: context.clock.now() },
    )
    const outcome = await context.sessions.append(id, draft, to, head.hash, context.stopping)
    if (outcome.kind === 'appended') return
    fold = foldFrames(fold, outcome.tail)
    current = true
  }
}
