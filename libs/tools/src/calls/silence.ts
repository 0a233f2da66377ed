// A call that has shown nothing for longer than its tool usually takes: it is told to be slow, and goes on.
import type { TimePolicy } from '../source.ts'

const longestMs = 10_000

/** ms without a sign after which a call is slow. */
export const softMsOf = ({ softMs, ms }: TimePolicy): number => softMs ?? Math.min(longestMs, Math.ceil(ms / 2))

/** Tells `slow` when nothing has been shown for `softMs`, and (undefined) when something is, or it ends. Whoever makes it ends it. */
export class Silence implements Disposable {
  readonly #slow: (silentMs: number | undefined) => void
  readonly #softMs: number
  readonly #timer: NodeJS.Timeout
  #told = false

  constructor(softMs: number, slow: (silentMs: number | undefined) => void) {
    this.#slow = slow
    this.#softMs = softMs
    this.#timer = setTimeout(() => this.#tell(true), softMs)
  }

  /** It has shown something. */
  broken(): void {
    this.#tell(false)
    this.#timer.refresh()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#tell(false)
  }

  #tell(slow: boolean): void {
    if (slow === this.#told) return
    this.#told = slow
    this.#slow(slow ? this.#softMs : undefined)
  }
}
