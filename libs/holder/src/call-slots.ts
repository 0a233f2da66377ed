// Room for calls that wait for somebody else (a model, a long tool): how many are in flight, who waits for room, and whose turn it is.
// Such a call costs memory and next to no time of this process, so there are many; what works is counted elsewhere (holder.ts).
//   Q1. Whoever waits is served in order of arrival within its group, and the groups in turns: an agent with a thousand sessions does
//       not put off another agent's one.
//   Q2. A slot that becomes free goes to who waits, never past the queue to who comes later.
//   Q3. `granted` is called once, later than the call that made it wait; the slot is its own then, to use or to dispose of.
//   Q4. One call is always let in, however scarce memory is: a process that lets nobody in for good is worse than a full one.

/** Disposing of it frees it. */
export type Slot = Disposable

/** A session that waits for a slot. */
export interface Queued {
  readonly session: string
  /** Who shares its turns: the agent. */
  readonly group: string
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
  /** Calls in flight at once. */
  readonly most: number
  /** Whether memory allows one more. */
  readonly room: () => boolean
  /** epoch ms */
  readonly now: () => number
  /** Told after each change of who waits. */
  readonly changed?: () => void
}

interface Waiting {
  readonly queued: Queued
  readonly granted: (slot: Slot) => void
}

export class CallSlots {
  readonly most: number
  readonly #options: CallSlotsOptions
  /** By group, in the order in which the groups have their turns. */
  readonly #queues = new Map<string, Set<Waiting>>()
  #taken = 0
  #waiting = 0

  constructor(options: CallSlotsOptions) {
    this.most = options.most
    this.#options = options
  }

  get taken(): number {
    return this.#taken
  }

  get waiting(): number {
    return this.#waiting
  }

  /** Whoever comes now has to wait. */
  full(): boolean {
    return this.#waiting > 0 || !this.#hasRoom()
  }

  /** Who waits, in the order in which they came. */
  queued(): Queued[] {
    const all = [...this.#queues.values()].flatMap((queue) => [...queue].map(({ queued }) => queued))
    return all.sort((a, b) => a.since - b.since)
  }

  /** null: there is no room, or others wait for it (Q2). */
  take(): Slot | null {
    return this.full() ? null : this.#slot()
  }

  /** Beyond the limit: for a call that follows on one that has just ended, or that the log says has begun. */
  force(): Slot {
    return this.#slot()
  }

  wait(who: Omit<Queued, 'since'>, granted: (slot: Slot) => void): Place {
    const { group } = who
    const waiting: Waiting = { queued: { ...who, since: this.#options.now() }, granted }
    const queue = this.#queues.get(group) ?? new Set()
    this.#queues.set(group, queue.add(waiting))
    this.#waiting++
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
    while (this.#waiting > 0 && this.#hasRoom()) {
      const next = this.#queues.entries().next().value
      if (!next) return
      const [group, queue] = next
      const [waiting] = queue
      // Q1: its group comes again after all others.
      this.#queues.delete(group)
      if (queue.size > 1) this.#queues.set(group, queue)
      if (!waiting) continue
      queue.delete(waiting)
      this.#waiting--
      const slot = this.#slot()
      queueMicrotask(() => waiting.granted(slot))
      this.#options.changed?.()
    }
  }

  #hasRoom(): boolean {
    return this.#taken === 0 || (this.#taken < this.most && this.#options.room())
  }

  #slot(): Slot {
    this.#taken++
    let mine = true
    return {
      [Symbol.dispose]: () => {
        if (!mine) return
        mine = false
        this.#taken--
        this.serve()
      },
    }
  }

  #leave(waiting: Waiting): void {
    const { group } = waiting.queued
    const queue = this.#queues.get(group)
    if (!queue?.delete(waiting)) return
    if (queue.size === 0) this.#queues.delete(group)
    this.#waiting--
    this.#options.changed?.()
  }
}
