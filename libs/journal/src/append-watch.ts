// Whether the broker takes appends: known at any time without asking anybody, from the appends of this process and, while it has none,
// from a canary (a message on a stream of its own).
//   AW1. Appends are possible when one was taken within the last 10 s. Nothing else proves it.
//   AW2. What stands in the way is said at once where it is known: the broker's own refusal, or the word of whoever watches the disk
//        or the server. Otherwise it is known by silence.
//   AW3. Silence is held against writes only when a canary was heard before: a user that may not publish it must not stop the product.
//   AW4. What may have changed is looked at once: after a reconnect nobody waits for the next look, nor for a canary that was lost with
//        the connection. While the broker is silent the looks are closer together.
import { setTimeout as pause } from 'node:timers/promises'
import type { Room } from './disk-room.ts'
import type { AppendOutcome, SessionLog, Subscription } from './port.ts'

export type CanaryOutcome =
  | { readonly kind: 'taken' }
  /** In the broker's words. */
  | { readonly kind: 'refused'; readonly why: string; readonly full: boolean }
  | { readonly kind: 'silent' }

export interface Obstacle {
  readonly cause: 'disk-full' | 'sick' | 'silent'
  readonly why: string
}

export interface AppendWatchOptions {
  readonly canary: () => Promise<CanaryOutcome>
  /** What others know of: a full disk, a sick server. Answers at once. */
  readonly outside?: () => Obstacle | undefined
  /** ms, monotonic. */
  readonly now: () => number
  readonly changed?: (obstacle: Obstacle | undefined) => void
}

export const freshMs = 10_000
const idleMs = 5000
const everyMs = 1000
const everyMsInSilence = 250

export class AppendWatch {
  readonly #options: AppendWatchOptions
  readonly #listeners = new Set<() => void>()
  readonly #stop = new AbortController()
  #takenAt = Number.NEGATIVE_INFINITY
  #heard = false
  #refusal: Obstacle | undefined
  #obstructed = false
  #hurried = false
  /** Ends the pause between two looks, or the wait for a canary. */
  #interrupt: () => void = () => {}
  #running: Promise<void> = Promise.resolve()

  constructor(options: AppendWatchOptions) {
    this.#options = options
  }

  /** Resolves after the first look. The caller closes it. */
  async start(): Promise<void> {
    await this.look()
    this.#running = this.#run()
  }

  /** An append of this process was acknowledged. */
  taken(): void {
    this.#takenAt = this.#options.now()
    this.#refusal = undefined
  }

  /** ms since an append was taken; Infinity: never. */
  age(): number {
    return this.#options.now() - this.#takenAt
  }

  /** Why appends are known to be impossible now. */
  obstacle(): Obstacle | undefined {
    return this.#known() ?? (this.#heard ? this.#silence() : undefined) // AW3
  }

  /** Why they are not known to be possible (AW1). */
  notReady(): Obstacle | undefined {
    return this.#known() ?? this.#silence()
  }

  /** Calls once for each time that an obstacle comes up, until closed. */
  onObstacle(on: () => void): Subscription {
    this.#listeners.add(on)
    return { close: () => void this.#listeners.delete(on) }
  }

  /** The connection is back, say: the next look begins now (AW4). */
  soon(): void {
    this.#hurried = true
    this.#interrupt()
  }

  /** One look: asks only when nothing was appended lately. */
  async look(): Promise<void> {
    this.#compare()
    if (this.age() < idleMs && !this.#refusal) return
    const outcome = await this.#canary()
    if (outcome.kind === 'taken') {
      this.#heard = true
      this.taken()
    } else if (outcome.kind === 'refused')
      this.#refusal = { cause: outcome.full ? 'disk-full' : 'sick', why: outcome.why }
    this.#compare()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#interrupt()
    await this.#running
  }

  #canary(): Promise<CanaryOutcome> {
    return new Promise((resolve) => {
      this.#interrupt = () => resolve({ kind: 'silent' })
      this.#options.canary().then(resolve, () => resolve({ kind: 'silent' }))
    })
  }

  #known(): Obstacle | undefined {
    return this.#options.outside?.() ?? this.#refusal // AW2
  }

  #silence(): Obstacle | undefined {
    if (this.age() <= freshMs) return undefined
    const since =
      this.#takenAt === Number.NEGATIVE_INFINITY ? 'since the start' : `for ${Math.floor(this.age() / 1000)} s`
    return { cause: 'silent', why: `the broker has taken no append ${since}` }
  }

  #compare(): void {
    const obstacle = this.obstacle()
    if ((obstacle !== undefined) === this.#obstructed) return
    this.#obstructed = obstacle !== undefined
    this.#options.changed?.(obstacle)
    if (obstacle) for (const on of [...this.#listeners]) on()
  }

  async #pause(): Promise<void> {
    const cut = new AbortController()
    this.#interrupt = () => cut.abort()
    const ms = this.notReady()?.cause === 'silent' ? everyMsInSilence : everyMs
    await pause(ms, undefined, { signal: cut.signal, ref: false }).catch(() => undefined)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      if (!this.#hurried) await this.#pause()
      this.#hurried = false
      if (!signal.aborted) await this.look()
    }
  }
}

/** The log, whose acknowledged appends `watch` counts. */
export function watchedLog(log: SessionLog, taken: (ms: number) => void, room: Room): SessionLog {
  return {
    head: (of, options) => log.head(of, options),
    read: (session, options) => log.read(session, options),
    forkOf: (session) => log.forkOf(session),
    readTree: (root, options) => log.readTree(root, options),
    frameAt: (session, seq) => log.frameAt(session, seq),
    async append(session, draft, to, previousHash, signal): Promise<AppendOutcome> {
      const waiting = room(signal)
      if (waiting) await waiting
      const since = performance.now()
      const outcome = await log.append(session, draft, to, previousHash, signal)
      if (outcome.kind === 'appended') taken(performance.now() - since)
      return outcome
    },
  }
}
