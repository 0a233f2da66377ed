// What a tool-runner's process knows. Never changed in place: worlds share it.
import type { Head } from '@reins/contracts'
import type { Attempt, RunnerView } from '@reins/session'
import type { Order } from '../world/world.ts'

export interface RunHold {
  readonly turn: string
  readonly view: RunnerView
  /** Straight from its trigger: nothing after it was read. */
  readonly fresh: boolean
  /** A frame came after it that only a newer build understands. */
  readonly beyond: boolean
  /** Its trigger is acked: it stays in view for calls that run here and wait for a person. */
  readonly acked?: true
  /** A request for the tools of servers, with no calls in its view; `closed`: nobody waits for its answer any more. */
  readonly discovery?: { readonly request: string; readonly closed: boolean }
}

export interface RunningBody {
  readonly call: string
  readonly attempt: number
  /** The request that it runs for. */
  readonly seq: number
  /** What its server has asked a person: `waits` until the answer is read. */
  readonly asked?: 'waits' | 'answered'
  /** The tool, where the memory has to answer it. */
  readonly tool?: string
  /** The memory has answered. */
  readonly stored?: true
  /** What it found in the sandbox in memory, where it changes that. */
  readonly files?: string
}

export type RunThen =
  | { readonly kind: 'claim'; readonly claims: readonly Attempt[]; readonly seq: number }
  | { readonly kind: 'question'; readonly asks: RunningBody; readonly nothingRan: boolean }
  | { readonly kind: 'need' }
  | { readonly kind: 'outcome'; readonly calls: readonly string[] }
  | { readonly kind: 'discovery' }

export interface RunSession {
  /** What it appends on; every view is folded up to here. */
  readonly head: Head
  readonly held: ReadonlyMap<number, RunHold>
  readonly running: readonly RunningBody[]
  readonly started: readonly string[]
  /** Calls whose tool was asked here, and wants no person. */
  readonly looked: readonly string[]
  readonly sending: { readonly order: Order; readonly then: RunThen } | null
}

export interface RunnerProcess {
  readonly kind: 'runner'
  readonly name: string
  readonly life: number
  readonly stalled: boolean
  readonly suspect: boolean
  readonly used: boolean
  /** Up to which sequence it did not hear of a session's frames, for it stood still; what comes later shows it the gap. */
  readonly missed: ReadonlyMap<string, number>
  readonly sessions: ReadonlyMap<string, RunSession>
}
