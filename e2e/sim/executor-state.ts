// What an executor's process knows. Never changed in place: worlds share it.
import type { Effect, Fold } from '@reins/session'
import type { Order } from './world.ts'

export interface ExecHold {
  /** The broker said that it had delivered this trigger before. */
  readonly redelivered: boolean
  /** How many of the trigger's errands are done. */
  readonly errands: number
}

/** What follows once it is known whether a frame is in. */
export type ExecThen =
  | { readonly kind: 'decide'; readonly effect: Effect | null }
  /** The outcome of the running call. */
  | { readonly kind: 'outcome'; readonly effect: Effect | null }
  /** `name`: under which it is done for good; null: it may have to be done again. `trigger`: what asked for it, if it is no standing one. */
  | { readonly kind: 'errand'; readonly name: string | null; readonly trigger: number | null }

export interface ExecSession {
  readonly fold: Fold
  readonly held: ReadonlyMap<number, ExecHold>
  readonly running: { readonly call: string; readonly attempt: number } | null
  readonly started: readonly string[]
  /** Errands that are done for good, by name. */
  readonly done: readonly string[]
  /** A frame of which it does not know whether it is in: nothing else is decided meanwhile. */
  readonly sending: { readonly order: Order; readonly then: ExecThen } | null
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
