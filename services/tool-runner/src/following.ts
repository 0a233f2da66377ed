// Hears what others append to a session while its calls run here. Whoever starts it stops it.
import type { Frame } from '@reins/contracts'
import type { Subscription } from '@reins/journal'
import type { RunnerContext } from './context.ts'

export interface Follower {
  /** Whether something still runs: most calls end before it is worth a subscription. */
  wanted(): boolean
  /** A frame of another hand. */
  heard(frame: Frame): void
  /** From here on frames are heard: what came before is to be read. */
  began(): void
}

export class Following {
  readonly #session: string
  readonly #context: RunnerContext
  readonly #follower: Follower
  #subscription: Subscription | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(session: string, context: RunnerContext, follower: Follower) {
    this.#session = session
    this.#context = context
    this.#follower = follower
  }

  startSoon(): void {
    if (this.#subscription || this.#timer) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (!this.#follower.wanted()) return
      this.#subscription = this.#context.feed.frames(this.#session, ({ frame }) => {
        if (frame.by !== this.#context.instance) this.#follower.heard(frame)
      })
      this.#follower.began()
    }, this.#context.followAfterMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#subscription?.close()
    this.#subscription = null
  }
}
