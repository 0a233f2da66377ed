// Frames that this process has appended, told to those of this process who listen, at the moment of their ack: they need not come back
// from the broker, be parsed and be checked once more.
//   FH1. A frame is told after the broker has acked it, and never before: what is told is in the log.
//   FH2. What listeners hear, they hear later: a callback never runs inside the call that caused it, and the appender goes on first.
//   FH3. Frames of other processes are not told here, nor one whose ack came only after the appender had given up. Whoever listens here
//        alone compares with the log.
import type { Address, Draft } from '@reins/contracts'
import type { RepublishedFrame, Subscription } from '../port.ts'

type On = (frame: RepublishedFrame) => void

export class FramesHere {
  readonly #of = new Map<string, Set<On>>()
  readonly #ofAll = new Set<On>()
  #told: { readonly one: RepublishedFrame; readonly listeners: ReadonlySet<On> }[] = []

  listen(session: string, on: On): Subscription {
    const listeners = this.#of.get(session) ?? new Set()
    this.#of.set(session, listeners)
    // A listener of its own for each subscription, whoever hands the same function in twice.
    const listener: On = (one) => on(one)
    listeners.add(listener)
    return {
      close: () => {
        listeners.delete(listener)
        if (listeners.size === 0 && this.#of.get(session) === listeners) this.#of.delete(session)
      },
    }
  }

  /** Frames of all sessions. */
  listenToAll(on: On): Subscription {
    const listener: On = (one) => on(one)
    this.#ofAll.add(listener)
    return { close: () => void this.#ofAll.delete(listener) }
  }

  tell(
    session: string,
    draft: Draft,
    { seq, hash }: { readonly seq: number; readonly hash: string },
    to: Address,
  ): void {
    const listeners = this.#of.get(session)
    if (!listeners && this.#ofAll.size === 0) return
    const one = { session, frame: { ...draft, seq, hash }, to }
    if (this.#told.length === 0) setImmediate(() => this.#hear())
    for (const who of [listeners, this.#ofAll]) if (who && who.size > 0) this.#told.push({ one, listeners: who })
  }

  #hear(): void {
    const told = this.#told
    this.#told = []
    for (const { one, listeners } of told) for (const listener of listeners) listener(one)
  }
}
