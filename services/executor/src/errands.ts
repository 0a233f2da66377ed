// Errands: what a trigger asks of another session (PROTOCOL 8). Each appends one frame there, or finds that it is done.
import {
  type AgentDefinition,
  type Head,
  makeShortId,
  poolKey,
  protocolVersion,
  type SessionEvent,
  type Status,
  toExec,
} from '@reins/contracts'
import { childStart, type Errand, emptyFold, type Fold, foldFrames, type Session, settlement } from '@reins/session'
import type { ExecutorContext } from './context.ts'
import { startedData } from './started.ts'

export async function doErrand(context: ExecutorContext, id: string, session: Session, errand: Errand): Promise<void> {
  switch (errand.kind) {
    case 'create-child':
      return createChild(context, id, session, errand)
    case 'cancel-child':
      return cancelChild(context, session, errand)
    case 'settle-parent':
      return settleParent(context, session)
    default:
      errand satisfies never
  }
}

async function createChild(
  context: ExecutorContext,
  parent: string,
  session: Session,
  errand: Extract<Errand, { kind: 'create-child' }>,
): Promise<void> {
  const { child, call, digest, agent, instruction } = errand
  const definition = await context.definitions.definition(digest)
  if (!definition || !session.born) return
  const { executor, tools } = poolsOf(definition)
  await Promise.all([
    context.work.ensurePool('exec', executor, definition.affinity ?? {}),
    context.work.ensurePool('tool', tools, definition.affinity ?? {}),
  ])
  const data = startedData(agent, digest, definition, { session: parent, call, pool: session.born.pools.executor })
  // At expected 0 or not at all: a child that is there already, cancelled or not, is done (I2).
  await appendTo(context, child, (fold) =>
    fold.head.n > 0 ? null : { events: childStart(data, `m-${call}`, instruction), pool: executor, status: 'idle' },
  )
}

async function cancelChild(
  context: ExecutorContext,
  parent: Session,
  { child }: Extract<Errand, { kind: 'cancel-child' }>,
): Promise<void> {
  const pool = parent.turn?.calls.flatMap(({ state }) =>
    state.kind === 'delegated' && state.child === child ? [state.pool] : [],
  )[0]
  await appendTo(context, child, ({ session, head }) => {
    if (session.mode.kind === 'ended' || session.cancel) return null
    if (head.n > 0 && !session.turn && session.inbox.length === 0) return null
    return {
      events: [{ type: 'cancel.requested', data: { cancel: makeShortId(context.clock.random) } }],
      pool: head.pool || pool || 'default',
      status: head.status,
    }
  })
}

async function settleParent(context: ExecutorContext, child: Session): Promise<void> {
  const parent = child.born?.parent
  if (!parent) return
  await appendTo(context, parent.session, ({ session, head }) => {
    const settled = settlement(session, parent.call, child)
    return settled && { events: [settled], pool: parent.pool, status: head.status }
  })
}

interface Message {
  readonly events: readonly SessionEvent[]
  readonly pool: string
  readonly status: Status
}

/** Reads the other session, decides, appends; again when somebody was first. Addressed to its executors: the frame is its trigger. */
async function appendTo(context: ExecutorContext, id: string, decide: (fold: Fold) => Message | null): Promise<void> {
  let fold = foldFrames(emptyFold(id), await context.reading(() => context.sessions.read(id, { leader: false })))
  for (;;) {
    const message = decide(fold)
    if (!message) return
    const { head }: { head: Head } = fold
    const draft = {
      id: makeShortId(context.clock.random),
      n: head.n + 1,
      prev: head.seq,
      at: context.clock.now(),
      by: context.instance,
      role: 'e' as const,
      needs: Math.max(head.needs, protocolVersion),
      status: message.status,
      pool: head.pool || message.pool,
      events: message.events,
    }
    const outcome = await context.sessions.append(id, draft, toExec(message.pool), head.hash, context.stopping)
    if (outcome.kind === 'appended') return
    fold = foldFrames(fold, outcome.tail)
  }
}

const poolsOf = (definition: AgentDefinition) => {
  const pool = poolKey(definition.affinity ?? {})
  return { executor: pool, tools: pool }
}
