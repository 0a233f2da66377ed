// When a gateway has far more tokens to show than it can write one by one, some viewers get theirs some times a second, in one write.
//   PA1. It is told by what is asked for, a token for a viewer each: what it saves does not change that, so that it does not flap.
//   PA2. Hubs that hold tokens back are let go a few at a time: many writes at once would delay everybody else's tokens.

const windowMs = 100
/** For how long tokens are held back, and how often some hubs are let go. */
const heldMs = 200
const tickMs = 5

interface Held {
  letGo(): void
}

export interface PaceOptions {
  /** Tokens for viewers, a second. Each costs some microseconds of CPU. */
  readonly busyAbove: number
  /** ms, monotonic */
  now(): number
}

export class Pace {
  readonly #slots: Set<Held>[] = Array.from({ length: heldMs / tickMs }, () => new Set())
  readonly #options: PaceOptions
  #at = 0
  #next = 0
  #ticking: NodeJS.Timeout | undefined
  #held = 0
  #asked = 0
  #since = Number.NEGATIVE_INFINITY
  #busy = false

  constructor(options: PaceOptions) {
    this.#options = options
  }

  /** A token is there for so many viewers. True: those that can wait are to get it later. */
  busyWith(viewers: number): boolean {
    const now = this.#options.now()
    const took = now - this.#since
    if (took >= windowMs) {
      this.#busy = (this.#asked * 1000) / took > this.#options.busyAbove
      this.#asked = 0
      this.#since = now
    }
    this.#asked += viewers
    return this.#busy
  }

  /** Calls `letGo` within `heldMs`, once. */
  hold(hub: Held): void {
    // Those that begin together are let go one after the other (PA2).
    this.#next = (this.#next + 1) % this.#slots.length
    this.#slots[this.#next]?.add(hub)
    this.#held += 1
    this.#ticking ??= setInterval(() => this.#tick(), tickMs)
  }

  #tick(): void {
    this.#at = (this.#at + 1) % this.#slots.length
    const due = this.#slots[this.#at]
    if (!due || due.size === 0) return
    const hubs = [...due]
    due.clear()
    this.#held -= hubs.length
    for (const hub of hubs) hub.letGo()
    if (this.#held > 0) return
    clearInterval(this.#ticking)
    this.#ticking = undefined
  }

  close(): void {
    clearInterval(this.#ticking)
    this.#ticking = undefined
    for (const slot of this.#slots) slot.clear()
  }
}
