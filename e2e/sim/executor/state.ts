// What an executor's process knows, and how it comes to know more. Never changed in place: worlds share it.
import type { SessionEvent } from '@reins/contracts'
import { type Effect, type Fold, type Holder, isOwn } from '@reins/session'
import { readFor } from '../world/builds.ts'
import { errandsHeld } from '../world/errands.ts'
import { instanceOf, type Order, type World } from '../world/world.ts'

export interface ExecHold {
  /** The broker said that it had delivered this trigger before. */
  readonly redelivered: boolean
  /** How many of the trigger's errands are done. */
  readonly errands: number
}

/** What follows once it is known whether a frame is in. */
export type ExecThen =
  | { readonly kind: 'decide'; readonly effect: Effect | null }
  /** What a replay says before it goes on. `body`: of the step that begins then. */
  | { readonly kind: 'code'; readonly effect: null; readonly body: string | null }
  /** The outcome of the running call. */
  | { readonly kind: 'outcome'; readonly effect: Effect | null }
  /** `name`: under which it is done for good; null: it may have to be done again. `trigger`: what asked for it, if it is no standing one. */
  | { readonly kind: 'errand'; readonly name: string | null; readonly trigger: number | null }

export interface Sending {
  readonly order: Order
  readonly then: ExecThen
  /** The model call that the frame announces went out with it: the frame is not at the broker yet, or nobody knows. */
  readonly early?: 'leaving' | 'left'
}

export interface ExecSession {
  readonly fold: Fold
  readonly held: ReadonlyMap<number, ExecHold>
  /** `body`: of a replay, the step whose function runs, as `position/attempt`. */
  readonly running: (Effect & { readonly body?: string }) | null
  readonly started: readonly string[]
  /** Errands that are done for good, by name. */
  readonly done: readonly string[]
  /** A frame of which it does not know whether it is in: nothing else is decided meanwhile. */
  readonly sending: Sending | null
}

export interface ExecutorProcess {
  readonly kind: 'executor'
  readonly name: string
  /** Which instance it is: a new one after each crash. */
  readonly life: number
  readonly stalled: boolean
  /** It stood still and has not read again what it holds: no working() until it has. */
  readonly suspect: boolean
  readonly used: boolean
  /** Up to which sequence it did not hear of a session's frames, for it stood still; what comes later shows it the gap. */
  readonly missed: ReadonlyMap<string, number>
  readonly sessions: ReadonlyMap<string, ExecSession>
}

export const key = (call: string, attempt: number): string => `${call}/${attempt}`

/** The process as it is now: steps change the world's copy. */
export function executorNamed(world: World, name: string): ExecutorProcess {
  const process = world.processes.get(name)
  if (process?.kind !== 'executor') throw new Error(`${name} is no executor`)
  return process
}

export function update(world: World, name: string, session: string, change: Partial<ExecSession>): ExecSession {
  const process = executorNamed(world, name)
  const old = process.sessions.get(session)
  const next: ExecSession = {
    fold: old?.fold ?? readFor(world, name, session),
    held: old?.held ?? new Map(),
    running: old?.running ?? null,
    started: old?.started ?? [],
    done: old?.done ?? [],
    sending: old?.sending ?? null,
    ...change,
  }
  world.processes.set(name, { ...process, used: true, sessions: new Map(process.sessions).set(session, next) })
  return next
}

export function holderOf(process: ExecutorProcess, state: ExecSession): Holder {
  return {
    instance: instanceOf(process),
    at: 1_700_000_000_000,
    runs: (call, attempt) => state.running?.call === call && state.running.attempt === attempt,
    started: (call, attempt) => state.started.includes(key(call, attempt)),
  }
}

/** Triggers that ask for nothing elsewhere: they count for their session. */
export const counting = (world: World, { held, fold }: ExecSession): readonly number[] =>
  [...held.keys()].filter((seq) => errandsHeld(world, seq, fold).length === 0)

/**
 * A newer fold: a running call that is not this process's own any more is aborted, and its triggers are forgotten (E3), unless it was
 * closed by what this process appended itself (`mine`).
 */
export function learn(
  world: World,
  name: string,
  session: string,
  fold: Fold,
  mine: Order['events'] = [],
): ExecSession {
  const state = update(world, name, session, { fold })
  const { running } = state
  const instance = instanceOf(executorNamed(world, name))
  if (!running || isOwn(fold.session, running, instance)) return state
  if (world.rules.summariesOfLost && running.kind === 'compact') return state
  const aborted = update(world, name, session, { running: null })
  world.note(`${name} aborts ${nameOf(running)}`)
  if (mine.some((event) => closes(event, running))) return aborted
  const lost = counting(world, state)
  world.note(`${name} ${world.rules.loserAcks ? 'acks' : 'forgets'} ${lost.map((seq) => world.nameOf(seq)).join(', ')}`)
  if (world.rules.loserAcks) for (const seq of lost) world.acked(seq)
  return update(world, name, session, { held: new Map([...state.held].filter(([seq]) => !lost.includes(seq))) })
}

export const nameOf = ({ kind, call, attempt }: Effect): string =>
  `${kind === 'compact' ? 'summary' : kind === 'replay-run' ? 'replay' : 'model call'} ${call}/${attempt}`

const closes = ({ type, data }: SessionEvent, { call }: Effect): boolean =>
  (type === 'model-call.failed' && data.call === call) ||
  (type === 'context.compaction-failed' && data.compaction === call) ||
  (type === 'run.replay-ended' && data.replay === call)
