// What is to be done next for the calls of one request. Pure: the view of the log, what this process holds, what owners answered.
import type { EventOf, SessionEvent } from '@reins/contracts'
import { heldBack } from './call-order.ts'
import type { HeldRequest } from './outcomes.ts'
import {
  afterLoss,
  isClosed,
  type RunnerCall,
  type RunnerHolder,
  type RunnerView,
  runnerVerdict,
  waitsForPerson,
} from './runner.ts'

/** What the owners of claims said, by claimKey. */
export type OwnerAnswers = ReadonlyMap<string, 'running' | 'gone'>

export const claimKey = (owner: string, call: string, attempt: number): string => `${owner}/${call}/${attempt}`

export interface Attempt {
  readonly call: RunnerCall
  readonly attempt: number
}

const nothing = { do: 'nothing' } as const

export type NextStep =
  | { readonly do: 'ask'; readonly owner: string; readonly call: string; readonly attempt: number }
  /** Tools that decide by the arguments whether a person is asked: they are asked, once here, before anything of the request begins. */
  | { readonly do: 'look'; readonly calls: readonly string[] }
  /** Calls whose owner is gone, and which nobody may run again. */
  | { readonly do: 'end'; readonly outcomes: readonly SessionEvent[] }
  /** Both may be empty. `waits`: others are at calls of this request, and are to be asked again later. */
  | {
      readonly do: 'work'
      readonly runs: readonly Attempt[]
      readonly claims: readonly Attempt[]
      readonly waits: boolean
    }

/** Owners are asked first, one by one: what is run, claimed or ended is decided when all that are in question have answered. */
export function nextStep(view: RunnerView, holder: RunnerHolder, fresh: boolean, answers: OwnerAnswers): NextStep {
  const held = heldBack(view)
  // What another has claimed is looked after, whatever its place: only what is to begin waits for its turn.
  const next = view.map((call) => ({
    call,
    ...(held.has(call.call) && call.state.kind === 'asked' ? nothing : runnerVerdict(call, holder, fresh)),
  }))
  const asks = next.filter((one) => one.do === 'ask')
  const unasked = asks.find(({ call, owner, attempt }) => !answers.has(claimKey(owner, call.call, attempt)))
  if (unasked) return { do: 'ask', owner: unasked.owner, call: unasked.call.call, attempt: unasked.attempt }
  const lost = asks
    .filter(({ call, owner, attempt }) => answers.get(claimKey(owner, call.call, attempt)) === 'gone')
    .map(({ call, attempt }) => ({ call, after: afterLoss(call, attempt) }))
  const outcomes = lost.flatMap(({ after }) => ('outcome' in after ? [after.outcome] : []))
  if (outcomes.length > 0) return { do: 'end', outcomes }
  const unseen = next.filter(({ call, do: what }) => what === 'claim' && isUnseen(call, holder))
  if (unseen.length > 0) return { do: 'look', calls: unseen.map(({ call }) => call.call) }
  return {
    do: 'work',
    runs: next.flatMap((one) => (one.do === 'run' ? [{ call: one.call, attempt: one.attempt }] : [])),
    claims: [
      ...next.flatMap((one) => (one.do === 'claim' ? [{ call: one.call, attempt: one.attempt }] : [])),
      ...lost.flatMap(({ call, after }) => ('claim' in after ? [{ call, attempt: after.claim }] : [])),
    ],
    // Behind a call that waits for a person.
    waits: asks.length > lost.length || (view.some(({ state }) => waitsForPerson(state.kind)) && held.size > 0),
  }
}

/**
 * Whether a request is a newer process's: something that only that one understands was appended after it, so nothing more of it is begun
 * or claimed here. `when-ended`: what runs of it here ends here and is recorded first; then it is given back (`now`).
 */
export function leftToNewer(
  { view, beyond = false }: Pick<HeldRequest, 'view' | 'beyond'>,
  holds: (call: string) => boolean,
): 'no' | 'when-ended' | 'now' {
  if (!beyond || view.every(({ state }) => isClosed(state))) return 'no'
  return view.some(({ call }) => holds(call)) ? 'when-ended' : 'now'
}

const isUnseen = ({ call, looks, state }: RunnerCall, holder: RunnerHolder): boolean =>
  looks === true && state.kind === 'asked' && !holder.asksNobody(call)

/** The claim of an attempt. The first one of a call that `looks` records what its tool said: from then on nobody asks it again. */
export const claimOf = ({ call, attempt }: Attempt): EventOf<'tool-call.started'> => ({
  type: 'tool-call.started',
  data: {
    call: call.call,
    attempt,
    ...(call.looks && call.state.kind === 'asked' ? { approval: 'auto' as const } : {}),
  },
})
