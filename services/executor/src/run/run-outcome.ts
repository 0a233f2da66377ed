// What a replay has come to, as events: of what its host answered, and of what waited to be said.
import { type HostsAnswer, readRunEnd } from '@reins/code-host'
import { eventCodec, type RunError, runLimits, type SessionEvent } from '@reins/contracts'
import { endsOfSteps, isStepEnd } from './step-ends.ts'
import { tooMany } from './words.ts'

export interface ReplayOutcome {
  readonly kind: 'replayed'
  readonly events: readonly SessionEvent[]
  /** Where nothing may begin when it is recorded. */
  readonly held: readonly SessionEvent[]
}

/** `broken`: the run cannot go on with what its code asked for. `late`: it came to no operation in time. */
export type Answer = HostsAnswer | { readonly kind: 'broken'; readonly error: RunError } | { readonly kind: 'late' }

export interface Of {
  readonly replay: string
  readonly attempt: number
}

/** How far a replay was when its host answered. */
export interface Replayed {
  readonly of: Of
  /** What is not in the log yet. */
  readonly pending: readonly SessionEvent[]
  /** Nothing new may begin. */
  readonly held: boolean
  readonly masked: (event: SessionEvent) => SessionEvent
  /** ms that code has from one operation to the next. */
  readonly betweenMs: number
}

/** What no frame can hold ends the run: what the code asks for again would not fit either. */
export function replayTooLarge({ message }: RangeError): ReplayOutcome {
  const error = tooMany(`asks for more at once than can be recorded: ${message}`)
  return all([{ type: 'run.ended', data: { status: 'failed', error } }])
}

export function outcomeOf(answer: Answer, replayed: Replayed): ReplayOutcome {
  switch (answer.kind) {
    case 'value':
      return ended(answer.value, replayed)
    case 'error':
      return failed({ code: 'failed', message: answer.message }, replayed)
    case 'not-run':
      return failed({ code: 'not-run', message: `The code cannot be run: ${answer.message}` }, replayed)
    case 'broken':
      return failed(answer.error, replayed)
    case 'late': {
      const error = { code: 'timeout', message: lateText(replayed.betweenMs) }
      return replayed.of.attempt > 1 ? failed(error, replayed) : lost(error, replayed)
    }
    case 'lost':
      return answer.death === 'out-of-memory'
        ? failed(
            { code: 'out-of-memory', message: 'The code needed more memory than it may have, and was ended.' },
            replayed,
          )
        : lost({ code: 'crashed', message: 'The process in which the code ran has ended under it.' }, replayed)
    default:
      return answer satisfies never
  }
}

/** What a host says is the word of the code in it: it counts where it is one of the ends that there are. */
function ended(value: unknown, replayed: Replayed): ReplayOutcome {
  const end = readRunEnd(value)
  switch (end?.kind) {
    case 'suspended':
      return suspended(replayed)
    case 'completed': {
      const output = Object.hasOwn(end, 'output') ? { output: end.output } : {}
      const event = replayed.masked({ type: 'run.ended', data: { status: 'completed', ...output } })
      if (charsOf(end.output) > runLimits.valueChars || !fits(event)) return failed(disturbed, replayed)
      return all([...ofUse(replayed), event])
    }
    case 'failed':
      return failed(end.error, replayed)
    case 'diverged': {
      const { position, recorded, found } = end
      const message = `At operation ${position} the session has recorded ${shown(recorded)}, and the code asks for ${shown(found)}. Code that decides must ask for the same operations in the same order each time it runs: take time, randomness and anything from outside by ctx.`
      return failed({ code: 'diverged', message }, replayed)
    }
    default:
      return failed(disturbed, replayed)
  }
}

function suspended({ of, pending, held }: Replayed): ReplayOutcome {
  if (held) return all([replayEnded(of, 'held')])
  const over = pending.some(({ type, data }) => type === 'run.paused' && data.output.type === 'session_end')
  if (over) return all([...pending, { type: 'run.ended', data: { status: 'completed' } }])
  return {
    kind: 'replayed',
    events: [...pending, replayEnded(of, 'suspended')],
    held: [...endsOfSteps(pending), replayEnded(of, 'held')],
  }
}

function failed({ message, where, ...rest }: RunError, replayed: Replayed): ReplayOutcome {
  const error = {
    ...rest,
    message: message.slice(0, 4_000).toWellFormed(),
    ...(where === undefined ? {} : { where: where.slice(0, 1_000) }),
  }
  const event = replayed.masked({ type: 'run.ended', data: { status: 'failed', error } })
  const end: SessionEvent = fits(event)
    ? event
    : { type: 'run.ended', data: { status: 'failed', error: { code: 'failed', message: 'The code failed.' } } }
  return all([...ofUse(replayed), end])
}

const lost = (error: RunError, { of, pending }: Replayed): ReplayOutcome =>
  all([...endsOfSteps(pending), { type: 'run.replay-ended', data: { ...of, how: 'lost', error } }])

const all = (events: readonly SessionEvent[]): ReplayOutcome => ({ kind: 'replayed', events, held: events })

/** Of what waits, all that is still of use when the code is at its end. */
const ofUse = ({ pending }: Replayed): readonly SessionEvent[] =>
  pending.filter((event) => event.type === 'run.logged' || isStepEnd(event))

const replayEnded = (of: Of, how: 'suspended' | 'held'): SessionEvent => ({
  type: 'run.replay-ended',
  data: { ...of, how },
})

export const disturbed: RunError = { code: 'failed', message: 'The code disturbed its host.' }

export const fits = (event: SessionEvent): boolean => eventCodec.decode(event).kind === 'known'

/** Of a value as JSON. Infinite: it is nested so deep that it cannot be written. */
export function charsOf(value: unknown): number {
  try {
    return JSON.stringify(value)?.length ?? 0
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

const shown = ({ operation, name }: { readonly operation: string; readonly name: string }): string =>
  operation === name ? operation : `${operation} "${name.slice(0, 100)}"`

const lateText = (ms: number): string =>
  `The code ran for ${ms / 1_000} s without coming to an operation, and was ended. Work that takes long belongs into ctx.step().`
