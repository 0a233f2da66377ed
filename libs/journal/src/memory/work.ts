// The in-memory work queue: durables over the streams of sessions, one a pool and kind, with the broker's own habits, the bad ones too.
//   W1. A durable starts at the first frame of each stream, so nothing that was appended before it was made is missed.
//   W2. Unacked after ack_wait: delivered again. Delivery counts belong to the durable, not to the frame.
//   W3. A late ack, nak or working() of a holder that lost its delivery is obeyed, as a broker does it: not to send it is the holder's duty.

import type { Consumption } from '@reins/broker'
import type { PoolBacklog, Trigger } from '../port.ts'
import type { StoredFrame } from './stream.ts'

/** Calls `run` after `ms`; what it returns calls that off. */
export type Scheduler = (run: () => void, ms: number) => () => void

export interface MemoryClock {
  /** epoch ms */
  now(): number
}

interface Consumer {
  free(): number
  on(trigger: Trigger): void
}

/** Whether a frame was in its stream at some moment. */
export type Earlier = (stored: StoredFrame) => boolean

interface Outstanding {
  /** Calls the redelivery off. */
  stop(): void
}

export class MemoryDurable {
  readonly labels: Readonly<Record<string, string>>
  readonly #clock: MemoryClock
  readonly #schedule: Scheduler
  readonly #ackWaitMs: number
  /** Not delivered, or to be delivered again, in that order. */
  readonly #ready: StoredFrame[] = []
  /** Delivered, or waiting for the delay of a nak. */
  readonly #outstanding = new Map<StoredFrame, Outstanding>()
  readonly #delivered = new Set<StoredFrame>()
  readonly #consumers: Consumer[] = []
  /** What was there when this durable was opened, or forgot. */
  #earlier: Earlier = () => false
  #next = 0
  #dispatching = false

  constructor(
    labels: Readonly<Record<string, string>>,
    options: { clock: MemoryClock; schedule: Scheduler; ackWaitMs: number },
  ) {
    this.labels = labels
    this.#clock = options.clock
    this.#schedule = options.schedule
    this.#ackWaitMs = options.ackWaitMs
  }

  offer(stored: StoredFrame): void {
    this.#ready.push(stored)
    this.#dispatchSoon()
  }

  /** `earlier`: as of now. */
  attach(consumer: Consumer, earlier: Earlier): Consumption {
    this.#earlier = earlier
    this.#consumers.push(consumer)
    this.#dispatchSoon()
    return {
      wake: () => this.#dispatchSoon(),
      close: async () => {
        const at = this.#consumers.indexOf(consumer)
        if (at >= 0) this.#consumers.splice(at, 1)
      },
    }
  }

  backlog(): PoolBacklog {
    const open = [...this.#ready, ...this.#outstanding.keys()]
    const oldest = open.reduce((at, stored) => Math.min(at, stored.storedAt), Number.POSITIVE_INFINITY)
    return {
      backlog: this.#ready.length,
      inProgress: this.#outstanding.size,
      ...(open.length > 0 ? { oldestMs: Math.max(0, this.#clock.now() - oldest) } : {}),
    }
  }

  /** What a broker forgets when it dies: who holds what, and how often it was delivered. */
  forget(earlier: Earlier): void {
    this.#earlier = earlier
    const held = [...this.#outstanding]
    this.#outstanding.clear()
    this.#delivered.clear()
    for (const [, { stop }] of held) stop()
    this.#ready.unshift(...held.map(([stored]) => stored))
    this.#dispatchSoon()
  }

  close(): void {
    this.#consumers.length = 0
    for (const { stop } of this.#outstanding.values()) stop()
  }

  #dispatchSoon(): void {
    if (this.#dispatching) return
    this.#dispatching = true
    queueMicrotask(() => {
      this.#dispatching = false
      while (this.#ready.length > 0) {
        const consumer = this.#consumerWithRoom()
        const stored = consumer && this.#ready.shift()
        if (!stored) return
        consumer.on(this.#deliver(stored))
      }
    })
  }

  #consumerWithRoom(): Consumer | undefined {
    for (let tried = 0; tried < this.#consumers.length; tried++) {
      const consumer = this.#consumers[this.#next++ % this.#consumers.length]
      if (consumer && consumer.free() > 0) return consumer
    }
    return undefined
  }

  /** What another consumer was given, and gives away. */
  given(seq: number, handle: string): Trigger | undefined {
    const held = [...this.#outstanding.keys()].find((stored) => handleOf(stored) === handle)
    return held?.frame.seq === seq ? this.#trigger(held, false) : undefined
  }

  #deliver(stored: StoredFrame): Trigger {
    const redelivered = this.#delivered.has(stored)
    this.#delivered.add(stored)
    this.#wait(stored, this.#ackWaitMs)
    return this.#trigger(stored, redelivered)
  }

  #trigger(stored: StoredFrame, redelivered: boolean): Trigger {
    return {
      handle: handleOf(stored),
      session: stored.session,
      frame: stored.frame,
      to: stored.to,
      ageMs: this.#clock.now() - stored.storedAt,
      redelivered,
      earlier: this.#earlier(stored),
      // W3: all three look at the frame, not at whose delivery it is.
      ack: () => {
        this.#outstanding.get(stored)?.stop()
        this.#outstanding.delete(stored)
        const ready = this.#ready.indexOf(stored)
        if (ready >= 0) this.#ready.splice(ready, 1)
      },
      nak: (delayMs) => {
        if (this.#outstanding.has(stored)) this.#wait(stored, delayMs)
      },
      working: () => {
        if (this.#outstanding.has(stored)) this.#wait(stored, this.#ackWaitMs)
      },
    }
  }

  /** Ready again after `ms`, whatever was agreed before. */
  #wait(stored: StoredFrame, ms: number): void {
    this.#outstanding.get(stored)?.stop()
    const stop = this.#schedule(() => {
      this.#outstanding.delete(stored)
      this.#ready.push(stored)
      this.#dispatchSoon()
    }, ms)
    this.#outstanding.set(stored, { stop })
  }
}

const handleOf = ({ session, frame }: StoredFrame): string => `${session}/${frame.seq}`
