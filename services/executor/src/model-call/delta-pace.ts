// How busy the way to LIVE is in this process, and so how long deltas may wait for others of their session. Pure but for its counters.
//   DP1. While few are published, none waits: a person reads a lone answer at the pace of the model.
//   DP2. While many are, those of one session that come within `togetherMs` of the one before leave together: each message and each
//        write costs the same for one token as for five. A token that comes later than that does not wait.

export interface DeltaPaceOptions {
  /** Published in one second by the whole process; from there on they wait for each other. */
  readonly busyPerSecond: number
  readonly togetherMs: number
}

export const defaultDeltaPace: DeltaPaceOptions = { busyPerSecond: 2000, togetherMs: 15 }

/** Counted in pieces of so many ms. */
const pieceMs = 100

export class DeltaPace {
  readonly #busyPerPiece: number
  readonly #togetherMs: number
  #piece = 0
  #before = 0
  #count = 0

  constructor({ busyPerSecond, togetherMs }: DeltaPaceOptions = defaultDeltaPace) {
    this.#busyPerPiece = (busyPerSecond * pieceMs) / 1000
    this.#togetherMs = togetherMs
  }

  /** ms that one waits now, whose session published its last one at `last`. 0: it leaves at the end of this turn. */
  waitMs(now: number, last: number): number {
    this.#turnTo(now)
    if (Math.max(this.#before, this.#count) < this.#busyPerPiece) return 0 // DP1
    const since = now - last
    return since >= 0 && since < this.#togetherMs ? this.#togetherMs - since : 0 // DP2
  }

  published(now: number): void {
    this.#turnTo(now)
    this.#count++
  }

  #turnTo(now: number): void {
    const piece = Math.floor(now / pieceMs)
    if (piece === this.#piece) return
    this.#before = piece === this.#piece + 1 ? this.#count : 0
    this.#count = 0
    this.#piece = piece
  }
}
