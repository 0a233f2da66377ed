// The triggers that one session's actor holds: by sequence, the newest handle of each. It settles them and decides nothing.
//   A6 (session-actor.ts). A trigger counts for its session once its errands are done: until then nothing else acks, gives back or
//   forgets it. `nakAll` alone does, where the actor does not go on at all.
import type { HeldTrigger, Trigger } from '@reins/journal'
import { newerDelayMs } from '@reins/session'
import type { ExecutorMetrics } from '../executor-metrics.ts'

interface Held {
  /** The newest handle. */
  hold: HeldTrigger
  /** With its frame, until it counts. */
  trigger: Trigger | null
  /** A6: what it asks of other sessions is done, or it asks for nothing. */
  counts: boolean
}

export class HeldTriggers {
  readonly #held = new Map<number, Held>()
  readonly #metrics: Pick<ExecutorMetrics, 'forgotten'>

  constructor(metrics: Pick<ExecutorMetrics, 'forgotten'>) {
    this.#metrics = metrics
  }

  any(): boolean {
    return this.#held.size > 0
  }

  /** Whether one of them counts. */
  anyCounts(): boolean {
    for (const { counts } of this.#held.values()) if (counts) return true
    return false
  }

  /** Takes a delivery, and says what was held of this frame before. */
  deliver(trigger: Trigger): 'nothing' | 'waits' | 'counts' {
    const { seq } = trigger.frame
    const held = this.#held.get(seq)
    if (!held) {
      this.#held.set(seq, { hold: trigger, trigger, counts: false })
      return 'nothing'
    }
    held.hold = trigger
    held.trigger = trigger
    return held.counts ? 'counts' : 'waits'
  }

  /** null: it counts already, and its frame is known. undefined: it is not held any more. */
  newest(seq: number): Trigger | null | undefined {
    return this.#held.get(seq)?.trigger
  }

  counts(seq: number): boolean {
    return this.#held.get(seq)?.counts ?? false
  }

  /** It has no errands, or none any more. */
  count(seq: number): void {
    const held = this.#held.get(seq)
    if (!held) return
    held.counts = true
    // A model may think for hours, and a frame is a kilobyte.
    if (held.trigger) held.hold = held.trigger.held?.() ?? held.trigger
    held.trigger = null
  }

  working(): void {
    for (const { hold } of this.#held.values()) hold.working()
  }

  ack(seq: number): void {
    const held = this.#held.get(seq)
    this.#held.delete(seq)
    held?.hold.ack()
  }

  /** Acks what counts and is not newer than `head`. */
  ackUpTo(head: number): void {
    for (const [seq, { counts }] of this.#held) if (counts && seq <= head) this.ack(seq)
  }

  /** Acks everything: of a session on which nobody may go on. */
  ackAll(): void {
    for (const seq of [...this.#held.keys()]) this.ack(seq)
  }

  /** Gives back what counts. */
  nak(delayMs: number): void {
    for (const [seq, held] of this.#held) if (held.counts) this.#giveBack(seq, held, delayMs)
  }

  /** Gives back, for a newer process, what counts; or the one of this frame. */
  nakForNewer(only?: number): void {
    for (const [seq, held] of this.#held)
      if (only === undefined ? held.counts : seq === only) this.#giveBack(seq, held, newerDelayMs(held.hold.ageMs))
  }

  /** Gives back everything. */
  nakAll(delayMs: number): void {
    for (const [seq, held] of this.#held) this.#giveBack(seq, held, delayMs)
  }

  #giveBack(seq: number, { hold }: Held, delayMs: number): void {
    this.#held.delete(seq)
    hold.nak(delayMs)
  }

  /** A8: another instance has it now, and acks it. */
  given(seq: number): void {
    this.#held.delete(seq)
  }

  /** A3: no ack, no nak, no working(): they are another's. */
  forget(): void {
    for (const [seq, { counts }] of this.#held)
      if (counts) {
        this.#held.delete(seq)
        this.#metrics.forgotten.inc()
      }
  }
}
