// What a tool-runner appends when bodies of tools have ended, and whom that wakes (PROTOCOL 5).
import { type Address, type EventOf, type SessionEvent, toExec, toLog } from '@reins/contracts'
import { type RunnerCall, type RunnerView, wakesExecutor } from './runner.ts'

export interface EndedCall {
  readonly event: EventOf<'tool-call.completed' | 'tool-call.outcome-unknown'>
  /** What it left in the sandbox in memory, where that is another than before. Of an outcome that counts no more, nothing is left. */
  readonly files?: EventOf<'files.kept'>
  /** What that tells agents, where it is another than before. */
  readonly told?: EventOf<'workspace.found'>
  /** What the log says of the call; undefined: no request that is open here knows it. */
  readonly state: RunnerCall['state'] | undefined
  /** It was stopped from here: what was stopped because another runner has it is no result, though its attempt may have the same number. */
  readonly stopped: boolean
}

/** First the outcomes that count, then those that do not any more: they are evidence. */
export function outcomeEvents(ended: readonly EndedCall[], instance: string): SessionEvent[] {
  const counts = ended
    .filter((one) => isCurrent(one, instance))
    .flatMap(({ event, files, told }): SessionEvent[] => (files ? [files, ...(told ? [told] : []), event] : [event]))
  const late = ended.flatMap((one): SessionEvent[] =>
    !isCurrent(one, instance) && one.event.type === 'tool-call.completed'
      ? [{ type: 'tool-call.late-result', data: one.event.data }]
      : [],
  )
  return [...counts, ...late]
}

function isCurrent({ event: { data }, state, stopped }: EndedCall, instance: string): boolean {
  return (
    (state?.kind === 'asked' && data.attempt === 1) ||
    ((state?.kind === 'claimed' || state?.kind === 'parked') &&
      state.attempt === data.attempt &&
      (state.by === instance || !stopped))
  )
}

/** A request for calls that a runner holds. `known`: its view is what the log says, up to the head. */
export interface HeldRequest {
  readonly turn: string
  readonly view: RunnerView
  readonly known: boolean
  /** A frame came after it that only a newer version understands. */
  readonly beyond?: boolean
}

/** Whom a runner's events wake: the executors where they close the last call that it was asked for, else nobody. */
export function addressOf(requests: readonly HeldRequest[], events: readonly SessionEvent[], pool: string): Address {
  const closing = events.flatMap((event) =>
    event.type === 'tool-call.completed' || event.type === 'tool-call.outcome-unknown' ? [event.data.call] : [],
  )
  // Whoever asks for a person has a decision to make for the executor.
  if (events.some(({ type }) => type === 'approval.needed')) return toExec(pool)
  if (closing.length === 0) return toLog
  // What is not known yet counts as nothing open: an outcome that wakes nobody is for ever, and one wake-up too many is not.
  const known = requests.filter((one) => one.known)
  // Calls of another turn were closed with it, whether this runner knows it yet or not.
  const turns = new Set(
    known.filter(({ view }) => view.some(({ call }) => closing.includes(call))).map(({ turn }) => turn),
  )
  const asked = known.filter(({ turn }) => turns.has(turn))
  // What only a newer version understands may have closed any of them: when in doubt, it wakes.
  if (asked.some(({ beyond }) => beyond)) return toExec(pool)
  const views = asked.map(({ view }) => view)
  return wakesExecutor(views, closing) ? toExec(pool) : toLog
}
