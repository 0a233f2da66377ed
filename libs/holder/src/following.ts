// Hears what others append to a session while something of it runs here. Whoever starts it stops it.
//   F1. Most calls end before a subscription is worth its price, so it begins only after a while.
//   F2. What came before it began is to be read: `began` says so.
import type { Frame } from '@reins/contracts'
import type { SessionFeed, Subscription } from '@reins/journal'

export interface Follower {
  /** Whether something still runs. */
  wanted(): boolean
  /** A frame of another hand. */
  heard(frame: Frame): void
  /** From here on frames are heard (F2). */
  began(): void
}

export interface FollowingContext {
  readonly instance: string
  readonly feed: Pick<SessionFeed, 'frames'>
  /** ms until it begins (F1). */
  readonly followAfterMs: number
}

export class Following {
  readonly #session: string
  readonly #context: FollowingContext
  readonly #follower: Follower
  #subscription: Subscription | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(session: string, context: FollowingContext, follower: Follower) {
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
