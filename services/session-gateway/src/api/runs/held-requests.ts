// The HTTP requests that runs began with, for `ctx.req` of their code: in the memory of this gateway, and nowhere else (decision 047).
//   HR1. What is once gone stays gone: a run whose code has been told so is never given the request later.
//   HR2. All requests together take so much memory, and each is kept for so long; the oldest go first.
import type { HeldRequest, RunRequest } from '@reins/contracts'

export interface HeldRequestsOptions {
  readonly now: () => number
  readonly mostBytes?: number
  readonly forMs?: number
}

/** It has to go over the broker in one message, as JSON. */
const mostOfOne = 900_000

export class HeldRequests {
  readonly #held = new Map<string, { readonly request: HeldRequest; readonly bytes: number; readonly at: number }>()
  #bytes = 0
  readonly #options: Required<HeldRequestsOptions>

  constructor({ now, mostBytes = 32_000_000, forMs = 3_600_000 }: HeldRequestsOptions) {
    this.#options = { now, mostBytes, forMs }
  }

  /** Whether it is small enough to be held. */
  takes(request: HeldRequest): boolean {
    return bytesOf(request) <= Math.min(mostOfOne, this.#options.mostBytes)
  }

  /** Before the run is appended: its code may run at once. */
  hold(session: string, request: HeldRequest): void {
    this.#drop(session)
    const bytes = bytesOf(request)
    this.#held.set(session, { request, bytes, at: this.#options.now() })
    this.#bytes += bytes
    this.#tidy()
  }

  of(session: string): RunRequest {
    this.#tidy()
    const held = this.#held.get(session)
    return held ? { kind: 'held', request: held.request } : { kind: 'gone' }
  }

  /** HR2: they stand in the order in which they came. */
  #tidy(): void {
    const { now, mostBytes, forMs } = this.#options
    for (const [session, { at }] of this.#held) {
      if (this.#bytes <= mostBytes && now() - at <= forMs) return
      this.#drop(session)
    }
  }

  #drop(session: string): void {
    this.#bytes -= this.#held.get(session)?.bytes ?? 0
    this.#held.delete(session)
  }
}

const bytesOf = (request: HeldRequest): number => Buffer.byteLength(JSON.stringify(request))
