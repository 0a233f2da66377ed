// Appends what was planned, and leaves the fold at whatever is there then. It decides nothing.
//   A2, A5 (session-actor.ts): folded from what was sent; without a trigger the status is copied from the head.
//   C4 (model-attempts.ts): a call that goes out with the frame is dropped where the frame is not in.
//   C1 (model-attempts.ts): the attempt that a frame announces is claimed before it goes out, and let go where the frame is not in.
import type { Presence } from '@reins/broker'
import { draftOn, makeShortId, type PriceOf, type SessionEvent } from '@reins/contracts'
import type { SessionLog } from '@reins/journal'
import type { Models } from '@reins/models'
import type { Clock, PausePoint } from '@reins/service'
import { announced, flightOf, mayGoEarly, type Plan, type Session, statusToShow, traceOf } from '@reins/session'
import type { ExecutorMetrics } from '../executor-metrics.ts'
import type { Room } from '../model-call/call-room.ts'
import type { Attempting } from '../model-call/attempting.ts'
import type { ModelAttempts } from '../model-call/model-attempts.ts'
import { quotaOfEffect } from '../model-call/quota-of.ts'
import { announcementOf } from '../model-call/prepared.ts'
import type { ModelQuotas } from '../quota/model-quotas.ts'
import type { SessionFold } from './session-fold.ts'

export interface AppendContext {
  readonly instance: string
  readonly sessions: Pick<SessionLog, 'append'>
  readonly clock: Clock
  readonly pauseAt: PausePoint
  readonly metrics: Pick<ExecutorMetrics, 'conflicts'>
  /** Aborted when the process gives up what it could not finish. */
  readonly stopping: AbortSignal
  readonly priceOf: PriceOf
  /** Whether a call may go out together with its announcement at all (PROTOCOL 4b). */
  readonly earlyCalls: boolean
  readonly models: Pick<Models, 'quotaOf'>
  readonly quotas: Pick<ModelQuotas, 'free'>
  presence(): Pick<Presence, 'tellAbort'>
  /** Told of what this process has appended: for metrics, off the hot path. */
  appended(session: Session, events: readonly SessionEvent[], at: number): void
}

export interface Appended {
  /** The effect that this process answers for by now. */
  readonly claimed: Attempting | null
}

/**
 * null: it is not in, and the fold has what is there instead. `mayBegin`: a trigger of this session is held. `room`: for the call
 * that the frame begins; its slot is the attempt's then, and freed where the frame is not in.
 */
export async function appendPlan(
  context: AppendContext,
  fold: SessionFold,
  attempts: ModelAttempts,
  planned: Plan,
  mayBegin: boolean,
  room: Room | null,
): Promise<Appended | null> {
  const { head, session } = fold
  const asks = planned.effect !== null && planned.effect.kind !== 'replay-run'
  const prepared = asks && planned.effect && (await attempts.prepare(planned.after, planned.effect))
  const says = prepared && announcementOf(prepared, planned.after, context.priceOf)
  const writer = { n: head.n + 1, at: planned.at, by: context.instance }
  const next = says ? announced(planned, session, { ...says, throttled: room?.throttled }, writer) : planned
  const { events, to, at } = next
  const pool = session.born?.pools.executor
  const trace = traceOf(session, next.after)
  const draft = draftOn(
    head,
    { frame: makeShortId(context.clock.random), by: context.instance, role: 'e' },
    { events, to, at, pool, trace, status: statusToShow(next, head, mayBegin) },
  )
  using held = new DisposableStack()
  const claimed = next.effect && room ? held.use(attempts.claim(next.effect, room.slot, prepared || null)) : null
  // There is no budget for the call that the slot was taken for.
  if (!claimed) room?.slot[Symbol.dispose]()
  await context.pauseAt('executor.before-append')
  const appending = context.sessions.append(session.id, draft, to, head.hash, context.stopping)
  if (claimed && goesEarly(context, attempts, session, next)) {
    // What it throws is thrown below.
    appending.catch(() => {})
    // The frame is written first: it is what the next step waits for.
    await new Promise((resolve) => setImmediate(resolve))
    attempts.sendEarly(claimed, next.after)
    await context.pauseAt('executor.sent-early')
  }
  const outcome = await appending
  if (outcome.kind === 'refused') {
    context.metrics.conflicts.inc()
    fold.add(outcome.tail)
    return null
  }
  // The attempt is the caller's from here on.
  held.move()
  fold.appended({ head: outcome.head, session: next.after }, outcome.above)
  context.appended(next.after, events, at)
  tellOwners(context, attempts, session, events)
  return { claimed }
}

/** PROTOCOL 4b. A provider that takes so many calls is asked for none that may be dropped. */
const goesEarly = (context: AppendContext, attempts: ModelAttempts, before: Session, next: Plan): boolean =>
  context.earlyCalls &&
  attempts.mayGoEarly &&
  next.effect !== null &&
  mayGoEarly(before, next) &&
  context.quotas.free(quotaOfEffect(context.models, next.after, next.effect))

/** A cancel has closed calls that somebody runs: they may stop (PROTOCOL 7). */
function tellOwners(
  context: AppendContext,
  attempts: ModelAttempts,
  before: Session,
  events: readonly SessionEvent[],
): void {
  const flight = flightOf(before)
  const calls = before.turn?.calls ?? []
  for (const event of events) {
    if (event.type === 'tool-call.cancelled') {
      const state = calls.find(({ call }) => call === event.data.call)?.state
      if (state?.kind === 'claimed')
        context.presence().tellAbort(state.by, { session: before.id, call: event.data.call, attempt: state.attempt })
    }
    if (!flight || !closesFlight(event)) continue
    const { call, attempt, by } = flight
    if (attempts.holds(call, attempt)) attempts.stop()
    else context.presence().tellAbort(by, { session: before.id, call, attempt })
  }
}

/** Whether a cancel has closed what was in flight. */
function closesFlight(event: SessionEvent): boolean {
  switch (event.type) {
    case 'model-call.failed':
    case 'context.compaction-failed':
      return event.data.error.code === 'cancelled'
    case 'run.replay-ended':
      return event.data.how === 'cancelled'
    default:
      return false
  }
}
