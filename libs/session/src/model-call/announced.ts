// A plan that begins a model call or a summary, with what that call sends and costs: it stands in the event that announces it. Where the
// budget has not enough left for it, the plan says that instead (BU1 of budget/budget.ts).
import type { EventOf, ModelPrice, PromptRecipe, SessionEvent } from '@reins/contracts'
import { metering } from '../budget/budget.ts'
import { insteadOfCall, type RequestSize, reservedFor } from '../budget/reservation.ts'
import { measure } from '../context/compaction-due.ts'
import { closingAddress } from '../delegation/closing-address.ts'
import { evolve } from '../folding/evolve.ts'
import { goneOn, type Plan, sameAddress } from '../deciding/plan.ts'
import type { Session } from '../session.ts'
import type { Effect, Origin } from '../slice.ts'
import { withSent } from './sent.ts'

export interface Announcement {
  /** Of a model call. Absent: of a summary. */
  readonly recipe?: PromptRecipe
  readonly size: RequestSize
  /** Of the model that is asked; absent: nobody has said what it costs. */
  readonly price?: ModelPrice | undefined
  /** It waited for its provider before it began: so many ms, and why. */
  readonly throttled?: EventOf<'model-call.started'>['data']['throttled']
}

/** `before`: the session that was planned on. `writer`: of the frame. */
export function announced(
  next: Plan,
  before: Session,
  { recipe, size, price, throttled }: Announcement,
  writer: Omit<Origin, 'role'>,
): Plan {
  const { effect } = next
  const event = effect && next.events.find((one): one is Announces => announces(one, effect))
  if (!event) return next
  // A summary is no part of the conversation that the provider has counted.
  const reserved = reservedFor(size, price, recipe ? measure(next.after)?.size : 0)
  const prefix = next.events.slice(0, next.events.indexOf(event))
  if (before.budget) {
    const due = prefix.reduce((state, one) => evolve(state, one, { role: 'e', ...writer }), before)
    const instead = insteadOfCall(due, reserved, event.data.model)
    if (instead) return without(next, prefix, due, instead, writer)
  }
  const meter = { reserved, ...(price === undefined ? {} : { price }) }
  const changed: SessionEvent =
    event.type === 'model-call.started'
      ? {
          ...event,
          data: {
            ...event.data,
            ...(recipe ? { prompt: recipe } : {}),
            ...(throttled ? { throttled } : {}),
            ...meter,
          },
        }
      : { ...event, data: { ...event.data, ...meter } }
  const sent = changed.type === 'model-call.started' ? withSent(next.after, changed.data, writer.n) : next.after
  return {
    ...next,
    events: next.events.map((one) => (one === event ? changed : one)),
    after: metering(sent, effect.call, { attempt: effect.attempt, ...meter }),
  }
}

type Announces = EventOf<'model-call.started'> | EventOf<'context.compaction-started'>

const announces = (event: SessionEvent, { call, attempt }: Pick<Effect, 'call' | 'attempt'>): boolean =>
  (event.type === 'model-call.started' && event.data.call === call && event.data.attempt === attempt) ||
  (event.type === 'context.compaction-started' && event.data.compaction === call && event.data.attempt === attempt)

/** The frame ends before the call, with the end of its turn if one address does for both; if not, the end is due after it. */
function without(
  next: Plan,
  prefix: readonly SessionEvent[],
  due: Session,
  instead: readonly SessionEvent[],
  writer: Omit<Origin, 'role'>,
): Plan {
  const closing = closingAddress(due)
  const begun = { events: prefix, to: next.to, after: due }
  if (closing.kind !== 'log' && next.to.kind !== 'log' && !sameAddress(closing, next.to))
    return { ...begun, effect: null, at: next.at }
  const to = closing.kind === 'log' ? next.to : closing
  return goneOn({ ...begun, to }, instead, writer, false) ?? { ...begun, effect: null, at: next.at }
}
