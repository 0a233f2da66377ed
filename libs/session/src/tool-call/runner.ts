// What a tool-runner does with a tool trigger: PROTOCOL 5. It never decides for the session; it sees the frame that asked, and what came after it.
//   R1. `never` is claimed before it runs, always; `safe` only when a delivery is not fresh, or an earlier claim is there.
//       So a call that ends its process each time is in the log from the second time on, and is counted (R4).
//       A call that `looks` is claimed always: the claim records that its tool, asked once, wanted no person (next-step.ts).
//   R2. A trigger is acked when each of its calls has an outcome in the stream.
//   R3. The outcome that closes the last call that was asked of this runner wakes the executor; when in doubt, it wakes.
//   R4a. A call that waits for a person (parked) is nobody's to run here: its answer comes as another request. The process that runs its
//       attempt goes on with it then; to all others it is closed, and calls behind it that must wait for it wait on.
//   R4b. A call whose tool wants a person (needed) comes back by another request too. Those behind it that must wait for it wait on.
//   R4. A call whose process died while it ran is run again in three claimed attempts at most, whatever becomes of servers and clocks.
import type { Frame, GivenAnswer, ReplayClass, RequestedCall, Resumed, SessionEvent } from '@reins/contracts'

export const maxToolAttempts = 3

export type RunnerCallState =
  | { readonly kind: 'asked' }
  | { readonly kind: 'claimed'; readonly attempt: number; readonly by: string }
  /** It waits for a person, or has got its answer by a later request. `by` runs that attempt, if it still lives. */
  | { readonly kind: 'parked'; readonly attempt: number; readonly by: string; readonly answer?: GivenAnswer }
  /** Its tool wants a person: it is asked for by another request, and `attempt` is that request's. */
  | { readonly kind: 'needed'; readonly attempt: number }
  | { readonly kind: 'done' }

export interface RunnerCall {
  readonly call: string
  readonly replay: ReplayClass
  /** It runs when those before it in its frame have ended, and before those behind it begin (call-order.ts). */
  readonly alone?: boolean
  /** Its tool decides by the arguments whether a person is asked: it is asked before the call is claimed. */
  readonly looks?: true
  /** It had run, and has waited for a person. */
  readonly resume?: Resumed
  /** The frame that has what it left in the sandbox in memory. */
  readonly files?: number
  readonly state: RunnerCallState
}

/** The calls of one request frame, as far as the frames after it have been read. */
export type RunnerView = readonly RunnerCall[]

export const viewOf = (calls: readonly RequestedCall[]): RunnerView =>
  calls.map(({ call, replay, alone, looks, resume }) => ({
    call,
    replay,
    ...(alone === undefined ? {} : { alone }),
    ...(looks === undefined ? {} : { looks }),
    ...(resume === undefined ? {} : { resume }),
    state: resume ? { kind: 'claimed', attempt: resume.attempt, by: resume.by } : { kind: 'asked' },
  }))

/** `seq` is that of the frame. */
type Seen = Pick<Frame, 'events' | 'by'> & { readonly seq?: number }

/** A later frame of the session into the view. */
export function evolveView(view: RunnerView, frame: Seen): RunnerView {
  return frame.events.reduce((calls, event) => evolveOne(calls, event, frame), view)
}

function evolveOne(view: RunnerView, event: SessionEvent, { by, seq }: Seen): RunnerView {
  switch (event.type) {
    case 'tool-call.started':
      return change(view, event.data.call, (old) => {
        const { attempt } = event.data
        if (old.kind === 'needed') return { kind: 'needed', attempt }
        return mayClaim(old, attempt) ? { kind: old.kind === 'parked' ? 'parked' : 'claimed', attempt, by } : old
      })
    case 'elicitation.requested': {
      const { call, attempt } = event.data
      return change(view, call, (old) => (runsAt(old, attempt, by) ? { kind: 'parked', attempt, by } : old))
    }
    case 'tool-calls.requested':
      return event.data.calls.reduce((calls, { call, resume }) => {
        const answer = resume?.answers.at(-1)
        return change(calls, call, (old) =>
          resume && answer && old.kind === 'parked' && old.attempt === resume.attempt ? { ...old, answer } : old,
        )
      }, view)
    case 'files.kept': {
      const { call, attempt } = event.data
      return view.map((one) =>
        one.call === call && attemptOf(one.state) === attempt
          ? { ...one, ...(seq === undefined ? {} : { files: seq }) }
          : one,
      )
    }
    case 'tool-call.completed':
    case 'tool-call.outcome-unknown':
      return change(view, event.data.call, (old) => (attemptOf(old) === event.data.attempt ? { kind: 'done' } : old))
    case 'approval.needed':
      // R4b. What is claimed has been looked at.
      return change(view, event.data.call, (old) => (old.kind === 'asked' ? { kind: 'needed', attempt: 1 } : old))
    case 'tool-call.cancelled':
      return change(view, event.data.call, () => ({ kind: 'done' }))
    case 'turn.cancelled':
    case 'turn.failed':
    case 'session.ended':
      // Whatever was open is closed with the turn.
      return view.map((call) => ({ ...call, state: { kind: 'done' } }))
    default:
      return view
  }
}

/** The frame that has the files with which a call begins: those that the latest of the calls before it has left, else `asked`. */
export const filesBefore = (view: RunnerView, call: string, asked: number | undefined): number | undefined =>
  view
    .slice(
      0,
      view.findIndex((one) => one.call === call),
    )
    .reduce<number | undefined>((latest, { files }) => files ?? latest, asked)

const change = (view: RunnerView, call: string, to: (state: RunnerCallState) => RunnerCallState): RunnerView =>
  view.map((one) => (one.call === call ? { ...one, state: to(one.state) } : one))

/** As the session's fold has it: the first claim, or the next attempt of an earlier one. Whoever claims what another holds has not got it. */
const mayClaim = (state: RunnerCallState, attempt: number): boolean =>
  (state.kind === 'asked' && attempt === 1) ||
  ((state.kind === 'claimed' || state.kind === 'parked') && attempt === state.attempt + 1)

/** Whether a runner's word about an attempt that it runs counts, as the session's fold has it. */
export const runsAt = (state: RunnerCallState, attempt: number, by: string): boolean =>
  (state.kind === 'asked' && attempt === 1) ||
  (state.kind === 'claimed' && state.attempt === attempt && state.by === by) ||
  // It got its answer, and asks again.
  (state.kind === 'parked' && state.answer !== undefined && state.attempt === attempt && state.by === by)

const attemptOf = (state: RunnerCallState): number | null => {
  switch (state.kind) {
    case 'asked':
      return 1
    case 'claimed':
    case 'parked':
    case 'needed':
      return state.attempt
    case 'done':
      return null
    default:
      return state satisfies never
  }
}

export type RunnerVerdict =
  /** It has its outcome, or this process is at it. */
  | { readonly do: 'nothing' }
  | { readonly do: 'run'; readonly attempt: number }
  /** Append tool-call.started, and run it once that is in. */
  | { readonly do: 'claim'; readonly attempt: number }
  /** Ask the owner; alive: hold the trigger and ask again; gone: afterLoss(). */
  | { readonly do: 'ask'; readonly owner: string; readonly attempt: number }

export interface RunnerHolder {
  readonly instance: string
  runs(call: string, attempt: number): boolean
  started(call: string, attempt: number): boolean
  /** Whether the tool of a call that `looks` was asked here, and wants no person. */
  asksNobody(call: string): boolean
}

/** How a trigger came. `earlier`: it was in the stream before this process looked. */
export interface ToolDelivery {
  readonly redelivered: boolean
  readonly earlier: boolean
  /** Since it was stored. May be below 0: two clocks made it. */
  readonly ageMs: number
  /** Since it was said, as its frame says itself. Two clocks made it too. */
  readonly saidAgoMs: number
}

/** By the clocks of a fleet, from the decision to the delivery. */
const saidWithinMs = 1_000

/**
 * Whether nobody can have been given this before. A server that died has forgotten what it gave out, and a clock that runs ahead makes
 * everything young: so what was there before this process came is never fresh, and what is younger than nothing is not young (R4).
 * What was said long before it was stored is not fresh either (isStoredLate).
 */
export const isFresh = ({ redelivered, earlier, ageMs, saidAgoMs }: ToolDelivery, freshMs: number): boolean =>
  !redelivered && !earlier && Math.abs(ageMs) < freshMs && Math.abs(saidAgoMs) < saidWithinMs

/** Said long before it was stored: by an executor that could not append it, or long ago, and somebody has stored the frame again. */
export const isStoredLate = ({ ageMs, saidAgoMs }: Pick<ToolDelivery, 'ageMs' | 'saidAgoMs'>): boolean =>
  Math.abs(saidAgoMs - ageMs) >= saidWithinMs

/** `fresh`: a first delivery of a young frame, straight from the trigger, with nothing read after it. */
export function runnerVerdict(call: RunnerCall, holder: RunnerHolder, fresh: boolean): RunnerVerdict {
  switch (call.state.kind) {
    case 'done':
    case 'parked':
    case 'needed':
      return { do: 'nothing' }
    case 'asked':
      if (holder.runs(call.call, 1)) return { do: 'nothing' }
      return call.replay === 'safe' && fresh && !call.looks ? { do: 'run', attempt: 1 } : { do: 'claim', attempt: 1 }
    case 'claimed': {
      const { attempt, by } = call.state
      if (holder.runs(call.call, attempt)) return { do: 'nothing' }
      if (by !== holder.instance) return { do: 'ask', owner: by, attempt }
      // My own claim that I learnt of late runs now; one that I started and lost cannot be run again as if nothing had been.
      // What waited for a person had been started, whoever remembers it.
      return holder.started(call.call, attempt) || call.resume?.attempt === attempt
        ? { do: 'ask', owner: by, attempt }
        : { do: 'run', attempt }
    }
    default:
      return call.state satisfies never
  }
}

/** Whether a claim that is in may be run: it is in force, with everything above it folded. `state`: of the call, after that. */
export function mayRun(
  { call, replay }: RunnerCall,
  state: RunnerCallState | undefined,
  attempt: number,
  holder: RunnerHolder,
): boolean {
  const mine = state?.kind === 'claimed' && state.attempt === attempt && state.by === holder.instance
  // The last line before a call that must not run twice: whatever the view says, this process has run it.
  return mine && !(replay === 'never' && holder.started(call, attempt))
}

/**
 * Whether a fresh trigger's own frame is what there is to know of its session, so that it needs no read: nothing was appended between it
 * and the head that is `seen` here, or nothing else is held, and nothing later was seen.
 */
export const followsSeen = (
  { seq, prev }: { readonly seq: number; readonly prev: number },
  seen: number,
  holdsOthers: boolean,
): boolean => prev === seen || (!holdsOthers && seq > seen)

/** The claim's owner is gone: the next attempt, or the outcome that ends the call. */
export function afterLoss(
  call: RunnerCall,
  attempt: number,
): { readonly claim: number } | { readonly outcome: SessionEvent } {
  // Nothing ran when its server asked a person.
  if (call.resume?.nothingRan && call.resume.attempt === attempt) return { claim: attempt + 1 }
  if (call.replay === 'never')
    return {
      outcome: {
        type: 'tool-call.outcome-unknown',
        data: {
          call: call.call,
          attempt,
          message:
            'The process that ran this is gone, and it may or may not have taken effect. It was not run again. Check before you repeat it.',
        },
      },
    }
  if (attempt < maxToolAttempts + (call.resume?.answers.length ?? 0)) return { claim: attempt + 1 }
  return {
    outcome: {
      type: 'tool-call.completed',
      data: {
        call: call.call,
        attempt,
        status: 'error',
        code: 'crashed',
        output: `The tool's process was lost ${attempt} times while it ran.`,
      },
    },
  }
}

/** It has its outcome, or is asked of runners by another request. */
export const isClosed = ({ kind }: RunnerCallState): boolean => kind === 'done' || waitsForPerson(kind)

/** Or has waited: it is the business of another request, and ends there. */
export const waitsForPerson = (kind: RunnerCallState['kind']): boolean => kind === 'parked' || kind === 'needed'

/** R3: whether these outcomes close the last open call that this runner was asked for in this session. */
export function wakesExecutor(views: readonly RunnerView[], outcomes: readonly string[]): boolean {
  const closing = new Set(outcomes)
  return views.flat().every(({ call, state }) => isClosed(state) || closing.has(call))
}
