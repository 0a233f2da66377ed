// Room for calls that wait for somebody else (a model, a long tool): how many are in flight, who waits for room, and whose turn it is.
// Such a call costs memory and next to no time of this process, so there are many; what works is counted elsewhere (holder.ts).
//   Q1. Whoever waits is served in turn (FQ1 of fair-queue.ts).
//   Q2. A slot that becomes free goes to who waits, never past the queue to who comes later.
//   Q3. `granted` is called once, later than the call that made it wait; the slot is its own then, to use or to dispose of.
//   Q4. One call is always let in, however scarce memory is: a process that lets nobody in for good is worse than a full one.
//   Q5. One principal has `most` slots at most, and never more than eight times what it leaves free. So however many principals take all
//       that they can with calls that never end, there is a slot for who has none, until some hundred of them do so together; and a slot
//       that becomes free then is that of who has fewest.
import { FairQueue, type Turn } from './fair-queue.ts'

/** Disposing of it frees it. */
export type Slot = Disposable

/** A session that waits for a slot. */
export interface Queued extends Turn {
  readonly session: string
  /** Whose executors may take it as well. */
  readonly pool: string
  /** epoch ms */
  readonly since: number
}

export interface Place {
  /** Leaves the queue; no grant comes after it. Idempotent. */
  leave(): void
}

export interface CallSlotsOptions {
  /** Calls in flight at once, of one principal; all together have an eighth more, and at least two (Q5). */
  readonly most: number
  /** Whether memory allows one more. */
  readonly room: () => boolean
  /** epoch ms */
  readonly now: () => number
  /** Told after each change of who waits. */
  readonly changed?: () => void
}

interface Waiting extends Turn {
  readonly queued: Queued
  readonly granted: (slot: Slot) => void
}

/** Q5: of what is left free. */
const timesFree = 8
const leastSpare = 2

export class CallSlots {
  readonly most: number
  readonly #options: CallSlotsOptions
  readonly #queue = new FairQueue<Waiting>()
  /** Slots by the principal that has them. */
  readonly #held = new Map<string, number>()
  #taken = 0

  constructor(options: CallSlotsOptions) {
    this.most = options.most
    this.#options = options
  }

  get taken(): number {
    return this.#taken
  }

  get waiting(): number {
    return this.#queue.size
  }

  /** Of those that one principal may have. */
  get left(): number {
    return Math.max(this.most - this.#taken, 0)
  }

  /** Whoever comes now has to wait, unless it is another's turn (Q5). */
  full(): boolean {
    return this.#queue.size > 0 || (this.#taken > 0 && (this.#taken >= this.most || !this.#options.room()))
  }

  /** Who waits, in the order in which they came. */
  queued(): Queued[] {
    return this.#queue
      .all()
      .map(({ queued }) => queued)
      .sort((a, b) => a.since - b.since)
  }

  /** null: there is no room, or others wait for it (Q2). */
  take(principal = ''): Slot | null {
    // Q2. Who waits after that may have none now, of whatever there is.
    if (this.#queue.size > 0) this.serve()
    return this.#hasRoom(principal) && !this.#queue.has(principal) ? this.#slot(principal) : null
  }

  /** Beyond the limit: for a call that follows on one that has just ended, or that the log says has begun. */
  force(principal = ''): Slot {
    return this.#slot(principal)
  }

  wait(who: Omit<Queued, 'since'>, granted: (slot: Slot) => void): Place {
    const { principal, group } = who
    const waiting: Waiting = { principal, group, queued: { ...who, since: this.#options.now() }, granted }
    this.#queue.add(waiting)
    this.#options.changed?.()
    // Memory may have become free since, without a slot that did.
    this.serve()
    return { leave: () => this.#leave(waiting) }
  }

  /** How long the first has waited, in ms; 0 where nobody waits. */
  oldestMs(): number {
    const [oldest] = this.queued()
    return oldest ? Math.max(this.#options.now() - oldest.since, 0) : 0
  }

  /** Gives what is free to who waits. Called by itself when a slot is freed; by others when there may be memory again. */
  serve(): void {
    for (;;) {
      const next = this.#queue.next((principal) => this.#hasRoom(principal))
      if (!next) return
      const slot = this.#slot(next.principal)
      queueMicrotask(() => next.granted(slot))
      this.#options.changed?.()
    }
  }

  /** Q4, Q5. */
  #hasRoom(principal: string): boolean {
    if (this.#taken === 0) return true
    const free = this.most + Math.max(Math.ceil(this.most / timesFree), leastSpare) - this.#taken
    const held = this.#held.get(principal) ?? 0
    const mayHave = held === 0 ? free > 0 : held < this.most && held < timesFree * (free - 1)
    return mayHave && this.#options.room()
  }

  #slot(principal: string): Slot {
    this.#count(principal, 1)
    return new Taken(this, principal)
  }

  /** One that `take`, `force` or `wait` gave is free again. */
  freed(principal: string): void {
    this.#count(principal, -1)
    this.serve()
  }

  #count(principal: string, by: 1 | -1): void {
    this.#taken += by
    const held = (this.#held.get(principal) ?? 0) + by
    if (held > 0) this.#held.set(principal, held)
    else this.#held.delete(principal)
  }

  #leave(waiting: Waiting): void {
    if (this.#queue.remove(waiting)) this.#options.changed?.()
  }
}

class Taken implements Slot {
  readonly #slots: CallSlots
  readonly #principal: string
  #free = false

  constructor(slots: CallSlots, principal: string) {
    this.#slots = slots
    this.#principal = principal
  }

  [Symbol.dispose](): void {
    if (this.#free) return
    this.#free = true
    this.#slots.freed(this.#principal)
  }
}
