// Appends what was planned, and leaves the fold at whatever is there then. It decides nothing.
//   A2, A5 (session-actor.ts): folded from what was sent; without a trigger the status is copied from the head.
//   C1 (model-attempts.ts): the attempt that a frame announces is claimed before it goes out, and let go where the frame is not in.
import { type Draft, makeShortId, protocolVersion, type SessionEvent } from '@reins/contracts'
import type { AppendOutcome } from '@reins/journal'
import { type Plan, type Session, statusOf } from '@reins/session'
import type { ExecutorContext } from './context.ts'
import type { Attempting, ModelAttempts } from './model-attempts.ts'
import type { SessionFold } from './session-fold.ts'

export interface Appended {
  /** The effect that this process answers for by now. */
  readonly claimed: Attempting | null
}

/** null: it is not in, and the fold has what is there instead. `mayBegin`: a trigger of this session is held. */
export async function appendPlan(
  context: ExecutorContext,
  fold: SessionFold,
  attempts: ModelAttempts,
  next: Plan,
  mayBegin: boolean,
): Promise<Appended | null> {
  const { head, session } = fold
  // That it is quarantined promises nobody anything, so whoever finds out says it.
  const knows = mayBegin || next.after.mode.kind === 'quarantined'
  const draft = draftOf(context, fold, next.events, knows ? statusOf(next.after) : head.status)
  const claimed = next.effect ? attempts.claim(next.effect) : null
  await context.pauseAt('executor.before-append')
  let outcome: AppendOutcome
  try {
    outcome = await context.sessions.append(session.id, draft, next.to, head.hash, context.stopping)
  } catch (error) {
    if (claimed) attempts.letGo(claimed)
    throw error
  }
  if (outcome.kind === 'refused') {
    context.metrics.conflicts.inc()
    if (claimed) attempts.letGo(claimed)
    fold.add(outcome.tail)
    return null
  }
  fold.appended({ head: outcome.head, session: next.after }, outcome.above)
  context.appended(session, next.events)
  tellOwners(context, attempts, session, next.events)
  return { claimed }
}

function draftOf(
  context: ExecutorContext,
  { head, session }: SessionFold,
  events: readonly SessionEvent[],
  status: Draft['status'],
): Draft {
  return {
    id: makeShortId(context.clock.random),
    n: head.n + 1,
    prev: head.seq,
    at: context.clock.now(),
    by: context.instance,
    role: 'e',
    needs: Math.max(head.needs, protocolVersion),
    status,
    pool: session.born?.pools.executor ?? head.pool,
    events,
  }
}

/** A cancel has closed calls that somebody runs: they may stop (PROTOCOL 7). */
function tellOwners(
  context: ExecutorContext,
  attempts: ModelAttempts,
  before: Session,
  events: readonly SessionEvent[],
): void {
  const { model, calls } = before.turn ?? { model: null, calls: [] }
  for (const event of events) {
    if (event.type === 'tool-call.cancelled') {
      const state = calls.find(({ call }) => call === event.data.call)?.state
      if (state?.kind === 'claimed')
        context.presence().tellAbort(state.by, { session: before.id, call: event.data.call, attempt: state.attempt })
    }
    if (event.type !== 'model-call.failed' || event.data.error.code !== 'cancelled' || model?.kind !== 'running')
      continue
    const { call, attempt } = event.data
    if (attempts.holds(call, attempt)) attempts.stop()
    else context.presence().tellAbort(model.by, { session: before.id, call, attempt })
  }
}
