// What the holder of an exec trigger does with it: PROTOCOL 4's table, row by row, the first that fits. Pure: the executor's
// process and the simulator both follow these verdicts.
//   H1. A verdict is good only for a fold whose head is not older than the trigger.
//   H2. Who lost a call forgets the trigger: no ack, no nak, no working(). That is not a verdict but the answer to a refused append.
import { type Head, protocolVersion, type SessionEvent } from '@reins/contracts'
import { type Plan, plan } from './due.ts'
import { type Rules, soundRules } from './rules.ts'
import type { ModelCall, Session } from './session.ts'
import { statusOf } from './status.ts'

export interface Holder {
  readonly instance: string
  /** epoch ms, for the frame */
  readonly at: number
  /** Whether this process runs the attempt now (its outcome is not known to be in). */
  runs(call: string, attempt: number): boolean
  /** Whether this process ever started it. */
  started(call: string, attempt: number): boolean
}

export type Verdict =
  | { readonly do: 'nak'; readonly why: 'newer-protocol' | 'elsewhere' }
  | { readonly do: 'ack' }
  /** Keep it, with working(), until the model call that this process runs ends. */
  | { readonly do: 'hold' }
  /** Ask the owner; running: nak with half of ack_wait. Gone: takeover(). */
  | { readonly do: 'ask'; readonly owner: string; readonly call: string; readonly attempt: number }
  /** The intent is in and it is mine, but it never started here: run it, same attempt. */
  | { readonly do: 'run'; readonly call: string; readonly attempt: number }
  | { readonly do: 'append'; readonly plan: Plan }
  /** The head's status is not what the fold says: append session.settled first, then look again. */
  | { readonly do: 'settle' }

export function verdict(
  session: Session,
  head: Head,
  holder: Holder,
  rules: Rules = soundRules,
  redelivered = true,
): Verdict {
  if (head.needs > protocolVersion) return { do: 'nak', why: 'newer-protocol' }
  const model = session.turn?.model ?? null
  const said = { n: head.n + 1, at: holder.at, by: holder.instance }
  const flight = (): Verdict | null =>
    model?.kind === 'running' ? inFlight(session, head, model, holder, rules, redelivered) : null
  if (session.cancel && !(rules.modelCallHidesCancel && model?.kind === 'running')) {
    const answer = plan(session, [], said, true)
    if (answer) return { do: 'append', plan: answer }
  }
  if (session.mode.kind === 'paused' || session.mode.kind === 'quarantined') {
    const runsHere = model?.kind === 'running' && holder.runs(model.call, model.attempt)
    return runsHere ? { do: 'hold' } : rest(session, head)
  }
  if (session.mode.kind === 'ended' || !session.born) return rest(session, head)
  const flying = flight()
  if (flying) return flying
  const next = plan(session, [], said, true)
  return next ? { do: 'append', plan: next } : rest(session, head)
}

function inFlight(
  session: Session,
  head: Head,
  model: ModelCall & { kind: 'running' },
  holder: Holder,
  rules: Rules,
  redelivered: boolean,
): Verdict {
  if (holder.runs(model.call, model.attempt)) return { do: 'hold' }
  if (model.by === holder.instance && !rules.noRowForOwnCall) {
    if (!holder.started(model.call, model.attempt)) return { do: 'run', call: model.call, attempt: model.attempt }
    const next = takeover(session, head, holder, { call: model.call, attempt: model.attempt }, rules)
    // Whatever forbids the takeover, a model call in flight is never acked away (I6).
    return next ? { do: 'append', plan: next } : { do: 'nak', why: 'elsewhere' }
  }
  if (rules.ackCoveredElsewhere) return { do: 'ack' }
  if (rules.ackByDeliveryCount && !redelivered) return { do: 'ack' }
  return { do: 'ask', owner: model.by, call: model.call, attempt: model.attempt }
}

/** Before an ack the head must show what the fold says (PROTOCOL 2). */
const rest = (session: Session, head: Head): Verdict =>
  head.n > 0 && session.born && head.status !== statusOf(session) ? { do: 'settle' } : { do: 'ack' }

/**
 * One frame: the lost attempt's outcome and the next attempt's start. null where it may not be: the call is settled or at another
 * attempt, or the session is paused, quarantined or under a cancel (then it stays open until resume, or the cancel closes it).
 */
export function takeover(
  session: Session,
  head: Head,
  holder: Holder,
  lost: { readonly call: string; readonly attempt: number; readonly partial?: string },
  rules: Rules = soundRules,
): Plan | null {
  const model = session.turn?.model
  if (model?.kind !== 'running' || model.call !== lost.call || model.attempt !== lost.attempt) return null
  if ((session.mode.kind !== 'open' || session.cancel) && !rules.takeOverPaused) return null
  const event: SessionEvent = {
    type: 'model-call.failed',
    data: {
      call: lost.call,
      attempt: lost.attempt,
      error: { code: 'lost', message: 'The process that ran it is gone.' },
      ...(lost.partial ? { partial: lost.partial } : {}),
    },
  }
  const said = { n: head.n + 1, at: holder.at, by: holder.instance }
  if (!rules.takeOverPaused) return plan(session, [event], said, true)
  // Known-wrong: the next attempt starts whatever the session's mode is.
  const { turn, call, attempt, final } = { turn: session.turn?.id ?? '', ...model, attempt: model.attempt + 1 }
  const data = { call, attempt, turn, model: session.born?.model ?? '', ...(final ? { final } : {}) }
  const next = plan(session, [event, { type: 'model-call.started', data }], said, false)
  return next && { ...next, effect: { kind: 'call-model', call, attempt } }
}

/** After an append whose frame is in, with everything above it folded: does the effect start, or is it somebody else's, or nobody's, by now? */
export function mayStart(
  session: Session,
  effect: { readonly call: string; readonly attempt: number },
  instance: string,
  rules: Rules = soundRules,
): boolean {
  if (rules.startClosedIntent) return true
  const model = session.turn?.model
  return (
    model?.kind === 'running' &&
    model.call === effect.call &&
    model.attempt === effect.attempt &&
    model.by === instance &&
    !session.cancel
  )
}

/** Whether an outcome of this attempt still counts. */
export const isCurrentModelCall = (session: Session, call: string, attempt: number): boolean => {
  const model = session.turn?.model
  return model?.kind === 'running' && model.call === call && model.attempt === attempt
}
