// The life of a projection: it follows its stream, waits while Postgres or the broker is away, and goes on by itself.
//   L1. Postgres may be away at any moment, at the start too.
//   L2. A record that no rule can apply (`Unprojectable`) is passed over, and told of for as long as the process lives: whoever may write
//       to a stream could else stop what everybody reads, for good.
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '@reins/telemetry'
import { isAway } from './database.ts'

export type ProjectionState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'catching up'; readonly seq: number; readonly of: number }
  /** `passedOver`: the latest of the records that no rule could apply, and how many there were. */
  | { readonly kind: 'following'; readonly passedOver?: { readonly count: number; readonly why: string } }
  | { readonly kind: 'waiting'; readonly why: string }

/** L2. A record that no rule of this version can apply. */
export class Unprojectable extends Error {}

export interface Following {
  /** Aborted when the projection is being closed. */
  readonly signal: AbortSignal
  enter(state: ProjectionState): void
  /** Something was applied: the next trouble is a new one. */
  progressed(): void
}

export interface LoopOptions {
  /** As the log names it: `the session index`. */
  readonly what: string
  readonly log: Log
  /** Until something fails, or `signal` is aborted. */
  follow(following: Following): Promise<void>
  /** The following has failed, with this reason, and is not yet begun again. */
  failed?(why: string): void
}

export interface ProjectionLoop {
  state(): ProjectionState
  /** Resolves once it has begun, or failed to, and after so many ms at the latest. */
  begun(withinMs: number): Promise<void>
  /** Resolves when the following has ended. */
  close(): Promise<void>
}

const shortestPauseMs = 100
const longestPauseMs = 3000

/** Runs until closed; the caller closes it before the database. */
export function runLoop({ what, log, follow, failed }: LoopOptions): ProjectionLoop {
  const stop = new AbortController()
  const { signal } = stop
  let state: ProjectionState = { kind: 'starting' }
  const begun = Promise.withResolvers<void>()
  let wait = shortestPauseMs
  const following: Following = {
    signal,
    enter: (next) => {
      state = next
      begun.resolve()
    },
    progressed: () => {
      wait = shortestPauseMs
    },
  }

  async function run(): Promise<void> {
    for (; !signal.aborted; wait = Math.min(wait * 2, longestPauseMs)) {
      try {
        await follow(following)
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        if (!signal.aborted && state.kind !== 'waiting') log.warn({ err: why }, `${what} waits, and tries again`)
        state = { kind: 'waiting', why: isAway(error) ? 'Postgres does not answer' : why }
        begun.resolve()
        failed?.(why)
      }
      await pause(wait, undefined, { signal }).catch(() => {})
    }
  }
  const done = run()
  return {
    state: () => state,
    begun: async (withinMs) => {
      if (state.kind !== 'starting') return
      const over = new AbortController()
      const { signal: late } = over
      await Promise.race([begun.promise, pause(withinMs, undefined, { signal: late }).catch(() => {})])
      over.abort()
    },
    close: () => {
      stop.abort()
      return done
    },
  }
}

/** `ok`, or what is wrong, for the health of a service. undefined: there is no projection. */
export function healthOf(state: ProjectionState | undefined): string {
  switch (state?.kind) {
    case undefined:
      return 'no database is configured'
    case 'following': {
      const { passedOver } = state
      if (!passedOver) return 'ok'
      const others = passedOver.count > 1 ? ` (${passedOver.count} such records in all)` : ''
      return `${passedOver.why}, and left out of the lists${others}`
    }
    case 'starting':
      return 'starting'
    case 'catching up':
      return `catching up: ${state.seq} of ${state.of}`
    case 'waiting':
      return state.why
    default:
      return state satisfies never
  }
}
