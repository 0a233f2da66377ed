// The place of one session's actor among those that wait for a model call: first for the quota of its provider, where that has to be
// shared, and then for a slot.
//   R1. At most one place, and at most one slot that was granted and is not used yet; the same holds for its turn at the provider.
//   R2. A grant is an operation in the actor's line like any other: what is decided then may not need it, and `leave` frees it.
//   R3. A turn at the provider that is not used is lost: less is asked of the provider than it takes, never more.
import type { CallSlots, Place, Queued, Slot } from '@reins/holder'
import type { ModelQuota } from '@reins/models'
import type { Clock } from '@reins/service'
import type { ModelQuotas } from '../quota/model-quotas.ts'

/** How long a call waited for its provider, and why. */
export interface Throttled {
  readonly ms: number
  readonly reason: string
}

export interface Room {
  readonly slot: Slot
  readonly throttled?: Throttled
}

interface Asking {
  readonly bucket: string
  readonly since: number
  readonly reason: string
  /** undefined: its turn has come. */
  place: Place | undefined
}

/** Whose room it is. */
export interface RoomOwner {
  who(): Omit<Queued, 'since'>
  /** A slot, or its turn at the provider, was granted (R2). */
  granted(): void
}

export interface RoomContext {
  readonly slots: CallSlots
  readonly quotas: Pick<ModelQuotas, 'free' | 'wait' | 'reason'>
  readonly clock: Pick<Clock, 'now'>
}

export class CallRoom {
  readonly #context: RoomContext
  readonly #owner: RoomOwner
  #asking: Asking | null = null
  #place: Place | null = null
  #slot: Slot | null = null

  constructor(context: RoomContext, owner: RoomOwner) {
    this.#context = context
    this.#owner = owner
  }

  /** For a slot. */
  get waits(): boolean {
    return this.#place !== null
  }

  /** null: there is none. With `wait` the actor waits from now on, and `granted` is called when it has one. */
  take(wait: boolean, quota: ModelQuota | undefined): Room | null {
    if (quota && !this.#mayAsk(quota, wait)) return null
    const slot = this.#slot ?? (this.#place ? null : this.#context.slots.take(this.#owner.who().principal))
    this.#slot = null
    if (slot) return { slot, ...this.#throttled() }
    if (this.#place || !wait) return null
    this.#place = this.#context.slots.wait(this.#owner.who(), (granted) => {
      this.#place = null
      this.#slot = granted
      this.#owner.granted()
    })
    return null
  }

  /** It does not want one any more. */
  leave(): void {
    this.#place?.leave()
    this.#place = null
    this.#slot?.[Symbol.dispose]()
    this.#slot = null
    this.#asking?.place?.leave()
    this.#asking = null
  }

  /** Whether the provider may be asked now. */
  #mayAsk(quota: ModelQuota, wait: boolean): boolean {
    if (this.#asking?.bucket === quota.bucket) return this.#asking.place === undefined
    if (this.#context.quotas.free(quota)) return true
    if (!wait) return false
    this.#asking?.place?.leave()
    const { bucket } = quota
    const asking: Asking = {
      bucket,
      since: this.#context.clock.now(),
      reason: this.#context.quotas.reason(quota),
      place: undefined,
    }
    this.#asking = asking
    asking.place = this.#context.quotas.wait(quota, this.#owner.who(), () => {
      asking.place = undefined
      if (this.#asking === asking) this.#owner.granted()
    })
    return false
  }

  /** Of the call that begins now. */
  #throttled(): Pick<Room, 'throttled'> {
    const asking = this.#asking
    this.#asking = null
    const ms = asking ? Math.max(0, Math.round(this.#context.clock.now() - asking.since)) : 0
    return asking && ms >= toldFromMs ? { throttled: { ms, reason: asking.reason } } : {}
  }
}

/** A shorter wait is no news to anybody. */
const toldFromMs = 1_000
