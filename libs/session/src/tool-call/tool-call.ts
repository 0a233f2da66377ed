// Tool calls: attempts of one call that tool-runners carry out, and the results that the model gets.
import type { EventOf, ModelMessage, RanCall, ToolContent } from '@reins/contracts'
import { mayHaveRun, withRan } from '../cancel/ran-calls.ts'
import { delegateName, isDelegation } from '../delegation/delegate-tool.ts'
import { elicitedNote } from '../elicitation/words.ts'
import { afterCall } from '../skills/skills.ts'
import type { Call, CallState, Resume, Session, Turn } from '../session.ts'
import type { CallStateKind, CallStateKinds, Meanings, Origin } from '../slice.ts'

export const toolCallEvents: Meanings<
  | 'tool-calls.requested'
  | 'tool-call.started'
  | 'tool-call.completed'
  | 'tool-call.cancelled'
  | 'tool-call.outcome-unknown'
  | 'tool-call.late-result'
> = {
  'tool-calls.requested': { effective: true, begins: true, evolve: requested },
  'tool-call.started': {
    effective: true,
    evolve: (session, { data: { call, attempt } }, { by, n }) =>
      withCall(session, call, (old) => (mayClaim(old, attempt) ? { kind: 'claimed', attempt, by, n } : old)),
  },
  'tool-call.completed': {
    effective: true,
    evolve: completed,
  },
  'tool-call.outcome-unknown': {
    effective: true,
    evolve: (session, { data: { call, attempt, message } }, origin) => {
      const next = withCall(session, call, (old) =>
        isCurrent(old, attempt, origin) ? { kind: 'done', error: true, output: message, how: 'unknown' } : old,
      )
      return next === session ? session : noted(session, next, call, 'unknown')
    },
  },
  'tool-call.cancelled': {
    effective: true,
    evolve: (session, { data: { call } }) => {
      const next = withCall(session, call, (old) =>
        old.kind === 'done' ? old : { kind: 'done', error: true, output: cancelledOutput, how: 'cancelled' },
      )
      return next === session ? session : noted(session, next, call, 'interrupted')
    },
  },
  // Evidence: the call has its outcome.
  'tool-call.late-result': { evolve: (session) => session },
}

function requested(session: Session, { data }: EventOf<'tool-calls.requested'>, { n }: Origin): Session {
  if (session.turn?.id !== data.turn) return session
  return data.calls.reduce(
    (state, { call }) => withCall(state, call, (old) => (old.kind === 'due' ? askedFor(old.resume, n) : old)),
    session,
  )
}

function completed(session: Session, { data }: EventOf<'tool-call.completed'>, origin: Origin): Session {
  const { call, attempt, status, output, content } = data
  const next = withCall(session, call, (old) =>
    isCurrent(old, attempt, origin)
      ? { kind: 'done', error: status === 'error', output, ...withContent(content), how: 'completed' }
      : old,
  )
  if (next === session) return session
  const after = noted(session, next, call, status === 'error' ? 'failed' : 'done')
  const done = status === 'error' ? undefined : after.turn?.calls.find((one) => one.call === call)
  return done ? afterCall(after, done) : after
}

/** What a tool-runner was asked for has run; what was settled before has not. */
function noted(before: Session, after: Session, call: string, how: RanCall['how']): Session {
  const asked = before.turn?.calls.find((one) => one.call === call)
  return asked && mayHaveRun(asked.state) ? withRan(after, asked, how) : after
}

/** A call that goes on belongs to the attempt that asked a person, wherever that is. */
const askedFor = (resume: Resume | undefined, n: number): CallState =>
  resume ? { kind: 'claimed', attempt: resume.attempt, by: resume.by, n } : { kind: 'requested', n }

const byCancel = (call: string) => [{ type: 'tool-call.cancelled' as const, data: { call } }]
const withRunner: CallStateKind<CallState> = {
  cover: (call) => [{ kind: 'runner', call }],
  cancelled: byCancel,
}

export const toolCallStates: CallStateKinds<'due' | 'requested' | 'claimed' | 'done'> = {
  due: { cover: () => [], cancelled: byCancel },
  requested: withRunner,
  claimed: withRunner,
  done: { cover: () => [], cancelled: () => [] },
}

export const cancelledOutput = 'Cancelled before it had a result.'

/** The first claim, or the next attempt of an earlier one. */
const mayClaim = (state: CallState, attempt: number): boolean =>
  (state.kind === 'requested' && attempt === 1) || (state.kind === 'claimed' && attempt === state.attempt + 1)

/** Whether an outcome of this attempt counts. An unclaimed call runs as attempt 1; an executor settles what was never asked of a runner. */
export function isCurrent(state: CallState, attempt: number, origin: Origin): boolean {
  switch (state.kind) {
    case 'due':
      // A call that waited for a person may end by itself before it is asked for again.
      return origin.role === 'e' ? attempt === 1 : attempt === state.resume?.attempt
    case 'requested':
      return attempt === 1
    case 'claimed':
    case 'eliciting':
      return attempt === state.attempt
    case 'delegated':
    case 'waiting':
    case 'done':
      return false
    default:
      return state satisfies never
  }
}

export const withCall = (session: Session, call: string, change: (state: CallState) => CallState): Session =>
  changeCall(session, call, (old) => {
    const state = change(old.state)
    return state === old.state ? old : { ...old, state }
  })

/** A call that waits no more leaves its timer behind: it fires for nothing. */
export function changeCall(session: Session, call: string, change: (call: Call) => Call): Session {
  const { turn } = session
  const at = turn?.calls.findIndex((one) => one.call === call) ?? -1
  const old = turn?.calls[at]
  if (!turn || !old) return session
  const next = change(old)
  if (next === old) return session
  const calls: Turn['calls'] = turn.calls.with(at, next)
  const timer = timerOf(old.state) === timerOf(next.state) ? undefined : timerOf(old.state)
  const timers = timer === undefined ? session.timers : session.timers.filter((open) => open.timer !== timer)
  return { ...session, timers, turn: { ...turn, calls } }
}

const timerOf = (state: CallState): string | undefined =>
  state.kind === 'waiting' || state.kind === 'eliciting' ? state.timer : undefined

const notedChars = 4_000

/** The model has asked for something else than what has run. */
function noteOf(approval: Call['approval'], args: Call['arguments']): string {
  if (approval?.kind !== 'approved') return ''
  const ran = JSON.stringify(args)
  const shown = ran.length > notedChars ? `${ran.slice(0, notedChars)}…` : ran
  return `[A person changed the arguments before this ran. It ran with: ${shown.toWellFormed()}]\n`
}

const withContent = (content: readonly ToolContent[] | undefined) => (content === undefined ? {} : { content })

/** S3: the results of an answer's calls, in the order of the calls; a call that has none gets one that says so. */
export function closedResults(session: Session, calls: readonly Call[]): readonly ModelMessage[] {
  return calls.map(({ call, name, state, edited, approval, elicited, arguments: args }) => ({
    role: 'tool',
    call,
    name,
    output:
      state.kind === 'done'
        ? noteOf(edited && approval, args) + elicitedNote(elicited) + state.output
        : cancelledOutput,
    ...(state.kind === 'done' ? withContent(state.content) : {}),
    // The result of a call of `delegate` says itself whether it failed: it is JSON, and stays so.
    error:
      state.kind === 'done'
        ? state.error && !(name === delegateName && isDelegation(session, { name }) && state.output.startsWith('{'))
        : true,
  }))
}
