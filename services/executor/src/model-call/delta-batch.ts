// Deltas on their way to LIVE. A model's chunks bring many tokens at once; each delta of its own would be a message and a system
// call, several times what the events of the turn cost.
//   D1. What arrives in one turn of the event loop and continues the same block leaves as one delta. A token that arrives alone leaves
//       alone, at the end of that turn; only where many answers stream at once does it wait for others, some milliseconds (delta-pace.ts).
//   D2. Order is kept. `flush` is called before the outcome is appended, so that no delta comes behind the event that holds its text.
//   D3. What leaves at the end of a turn says so: it has waited for what else this turn brings.
import type { Delta } from '@reins/contracts'
import { atEndOfTurn } from '@reins/service'
import type { DeltaPace } from './delta-pace.ts'

/** Of this process. What `after` and `endOfTurn` give calls the run off. */
export interface DeltaClock {
  /** ms */
  now(): number
  after(ms: number, run: () => void): () => void
  endOfTurn(run: () => void): () => void
}

export const processDeltaClock: DeltaClock = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  endOfTurn: atEndOfTurn,
}

/** D3. */
export type Publish = (delta: Delta, at: 'any' | 'end-of-turn') => void

export class DeltaBatch {
  readonly #publish: Publish
  readonly #pace: DeltaPace
  readonly #clock: DeltaClock
  #held: Delta | undefined
  #callOff: (() => void) | undefined
  #published = Number.NEGATIVE_INFINITY

  /** `pace` is shared by all sessions of the process. */
  constructor(publish: Publish, pace: DeltaPace, clock: DeltaClock = processDeltaClock) {
    this.#publish = publish
    this.#pace = pace
    this.#clock = clock
  }

  push(delta: Delta): void {
    const held = this.#held
    if (held && continues(held, delta)) {
      this.#held = { ...held, text: held.text + delta.text }
      return
    }
    this.flush()
    this.#held = delta
    const wait = this.#pace.waitMs(this.#clock.now(), this.#published)
    const leave = (): void => this.#leave('end-of-turn')
    const leaveWithOthers = (): void => {
      this.#callOff = this.#clock.endOfTurn(leave)
    }
    // Many whose time has come in one turn leave in one write.
    this.#callOff = wait > 0 ? this.#clock.after(wait, leaveWithOthers) : this.#clock.endOfTurn(leave)
  }

  flush(): void {
    this.#leave('any')
  }

  #leave(at: 'any' | 'end-of-turn'): void {
    this.#callOff?.()
    this.#callOff = undefined
    const held = this.#held
    this.#held = undefined
    if (!held) return
    this.#published = this.#clock.now()
    this.#pace.published(this.#published)
    this.#publish(held, at)
  }
}

const continues = (held: Delta, next: Delta): boolean =>
  next.call === held.call &&
  next.attempt === held.attempt &&
  next.block === held.block &&
  next.kind === held.kind &&
  next.tool === held.tool &&
  next.toolCall === held.toolCall &&
  next.offset === held.offset + held.text.length
