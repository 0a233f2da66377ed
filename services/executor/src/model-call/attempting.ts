// One attempt that this process answers for (C1 of model-attempts.ts). Thousands of them wait for their models at once, so it is one
// object, and keeps nothing of what it has sent.
import type { Slot } from '@reins/holder'
import type { Effect } from '@reins/session'
import type { EarlyCall } from './early-call.ts'
import type { Prepared } from './prepared.ts'

export interface AttemptingOptions {
  readonly effect: Effect
  readonly slot: Slot
  /** What says to others that it is answered for. */
  readonly claim: Disposable
  readonly startedAt: number
  readonly prepared: Prepared | null
  /** Told where it is let go before anybody has heard it (C4). */
  readonly owner: { dropped(): void }
}

/** Disposing of it lets the attempt go, and its slot (C1). Idempotent. */
export class Attempting implements Effect, Disposable {
  readonly kind: Effect['kind']
  readonly call: string
  readonly attempt: number
  readonly startedAt: number
  readonly abort = new AbortController()
  /** It goes out already, and nobody hears it yet (C4). */
  #early: EarlyCall | null = null
  #prepared: Prepared | null
  readonly #slot: Slot
  readonly #claim: Disposable
  readonly #owner: AttemptingOptions['owner']
  #gone = false

  constructor({ effect: { kind, call, attempt }, slot, claim, startedAt, prepared, owner }: AttemptingOptions) {
    this.kind = kind
    this.call = call
    this.attempt = attempt
    this.startedAt = startedAt
    this.#prepared = prepared
    this.#slot = slot
    this.#claim = claim
    this.#owner = owner
  }

  /** What it sends, once: it is not kept. null: it is made when it starts. */
  takePrepared(): Prepared | null {
    const prepared = this.#prepared
    this.#prepared = null
    return prepared
  }

  goesEarly(call: EarlyCall): void {
    this.#early = call
  }

  /** Whoever has it hears it. null: it has not gone out. */
  takeEarly(): EarlyCall | null {
    const early = this.#early
    this.#early = null
    return early
  }

  [Symbol.dispose](): void {
    if (this.#gone) return
    this.#gone = true
    this.#claim[Symbol.dispose]()
    const early = this.takeEarly()
    if (!early) {
      this.#slot[Symbol.dispose]()
      return
    }
    this.#owner.dropped()
    this.abort.abort()
    void early.ended().then(() => this.#slot[Symbol.dispose]())
  }
}
