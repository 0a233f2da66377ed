// tool-calls.requested and tool-call.*: attempts of one tool call, and the results that the model gets.
import type { EventOf, ModelMessage } from '@reins/contracts'
import type { Said } from './evolve.ts'
import type { Call, CallState, Session, Turn } from './session.ts'

type Event = EventOf<
  | 'tool-calls.requested'
  | 'tool-call.started'
  | 'tool-call.completed'
  | 'tool-call.cancelled'
  | 'tool-call.outcome-unknown'
  | 'tool-call.late-result'
>

export function evolveToolCall(session: Session, event: Event, said: Said): Session {
  const { turn } = session
  if (!turn) return session
  switch (event.type) {
    case 'tool-calls.requested':
      if (event.data.turn !== turn.id) return session
      return event.data.calls.reduce(
        (state, { call }) =>
          withCall(state, call, (old) => (old.kind === 'due' ? { kind: 'requested', n: said.n } : old)),
        session,
      )
    case 'tool-call.started':
      return withCall(session, event.data.call, (old) =>
        mayClaim(old, event.data.attempt)
          ? { kind: 'claimed', attempt: event.data.attempt, by: said.by, n: said.n }
          : old,
      )
    case 'tool-call.completed': {
      const { call, attempt, status, output } = event.data
      return withCall(session, call, (old) =>
        isCurrent(old, attempt, said) ? { kind: 'done', error: status === 'error', output, how: 'completed' } : old,
      )
    }
    case 'tool-call.outcome-unknown': {
      const { call, attempt, message } = event.data
      return withCall(session, call, (old) =>
        isCurrent(old, attempt, said) ? { kind: 'done', error: true, output: message, how: 'unknown' } : old,
      )
    }
    case 'tool-call.cancelled':
      return withCall(session, event.data.call, (old) =>
        old.kind === 'done' ? old : { kind: 'done', error: true, output: cancelledOutput, how: 'cancelled' },
      )
    case 'tool-call.late-result':
      return session
    default:
      return event satisfies never
  }
}

export const cancelledOutput = 'Cancelled before it had a result.'

/** The first claim, or the next attempt of an earlier one. */
const mayClaim = (state: CallState, attempt: number): boolean =>
  (state.kind === 'requested' && attempt === 1) || (state.kind === 'claimed' && attempt === state.attempt + 1)

/** Whether an outcome of this attempt counts. An unclaimed call runs as attempt 1; an executor settles what was never asked of a runner. */
function isCurrent(state: CallState, attempt: number, said: Said): boolean {
  switch (state.kind) {
    case 'due':
      return said.role === 'e' && attempt === 1
    case 'requested':
      return attempt === 1
    case 'claimed':
      return attempt === state.attempt
    case 'delegated':
    case 'done':
      return false
    default:
      return state satisfies never
  }
}

export function withCall(session: Session, call: string, change: (state: CallState) => CallState): Session {
  const { turn } = session
  const at = turn?.calls.findIndex((one) => one.call === call) ?? -1
  const old = turn?.calls[at]
  if (!turn || !old) return session
  const state = change(old.state)
  if (state === old.state) return session
  const calls: Turn['calls'] = turn.calls.with(at, { ...old, state })
  return { ...session, turn: { ...turn, calls } }
}

/** S3: the results of an answer's calls, in the order of the calls; a call that has none gets one that says so. */
export function closedResults(calls: readonly Call[]): readonly ModelMessage[] {
  return calls.map(({ call, name, state }) => ({
    role: 'tool',
    call,
    name,
    output: state.kind === 'done' ? state.output : cancelledOutput,
    error: state.kind === 'done' ? state.error : true,
  }))
}
