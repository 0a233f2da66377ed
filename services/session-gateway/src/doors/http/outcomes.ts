// What came of a write, as HTTP says it: a status and a body. A refusal is thrown, for the server to answer as every other error.
import type { ControlAccepted, CreatedSession, MessageAccepted, TurnResult } from '@reins/contracts'
import { errorOf, firstOf, type Outcome, type Settled } from '../../api/outcomes.ts'

type Statuses = Readonly<Record<Settled<unknown>['kind'], number>>

interface Answered<B> {
  readonly status: number
  readonly body: B
}

export type CreateAnswer = CreatedSession & Partial<Pick<TurnResult, 'turn'>>

const createStatuses: Statuses = { started: 201, accepted: 200, unchanged: 200 }
export const writeStatuses: Statuses = { started: 202, accepted: 202, unchanged: 200 }

/** With the turn that was waited for beside the session; the cursor then lies behind the turn. */
export function createAnswer(outcome: Outcome<CreatedSession>): Answered<CreateAnswer> {
  const { status, body } = answered(outcome, createStatuses)
  if (outcome.kind !== 'turn-ended') return { status, body }
  const { turn, cursor } = outcome.result
  return { status, body: { ...body, turn, cursor } }
}

export function messageAnswer(outcome: Outcome<MessageAccepted>): Answered<MessageAccepted | TurnResult> {
  const accepted = answered(outcome, writeStatuses)
  return outcome.kind === 'turn-ended' ? { status: 200, body: outcome.result } : accepted
}

export const controlAnswer = (outcome: Outcome<ControlAccepted>): Answered<ControlAccepted> =>
  answered(outcome, writeStatuses)

export function answered<R>(outcome: Outcome<R>, statuses: Statuses): Answered<R> {
  if (outcome.kind === 'refused') throw errorOf(outcome)
  const { kind, receipt } = firstOf(outcome.kind === 'turn-ended' ? outcome.settled : outcome)
  return { status: statuses[kind], body: receipt }
}
