// In-memory timers: published by name, replaced by publishing again, fired once into a queue that one consumer empties.

import type { Consumption } from '@reins/broker'
import type { Timers } from '../port.ts'
import type { MemoryClock, Scheduler } from './work.ts'

interface Fired {
  readonly session: string
  readonly timer: string
}

export class MemoryTimers implements Timers {
  readonly #clock: MemoryClock
  readonly #schedule: Scheduler
  readonly #ackWaitMs: number
  readonly #armed = new Map<string, () => void>()
  readonly #fired: Fired[] = []
  #on: ((session: string, timer: string, sure: boolean) => Promise<void>) | undefined

  constructor(options: { clock: MemoryClock; schedule: Scheduler; ackWaitMs: number }) {
    this.#clock = options.clock
    this.#schedule = options.schedule
    this.#ackWaitMs = options.ackWaitMs
  }

  async arm(session: string, timer: string, at: number): Promise<void> {
    const key = `${session} ${timer}`
    this.#armed.get(key)?.()
    const stop = this.#schedule(
      () => {
        this.#armed.delete(key)
        this.#fire({ session, timer })
      },
      Math.max(0, at - this.#clock.now()),
    )
    this.#armed.set(key, stop)
  }

  async consumeFired(on: (session: string, timer: string, sure: boolean) => Promise<void>): Promise<Consumption> {
    this.#on = on
    for (const fired of this.#fired.splice(0)) this.#fire(fired)
    return {
      wake: () => {},
      close: async () => {
        if (this.#on === on) this.#on = undefined
      },
    }
  }

  close(): void {
    this.#on = undefined
    for (const stop of this.#armed.values()) stop()
    this.#armed.clear()
  }

  #fire(fired: Fired): void {
    const on = this.#on
    if (!on) {
      this.#fired.push(fired)
      return
    }
    queueMicrotask(() => {
      on(fired.session, fired.timer, true).catch(() => {
        this.#schedule(() => this.#fire(fired), this.#ackWaitMs)
      })
    })
  }
}
