// Sessions that wait for a slot for their model call, or for its provider, by what executors say in their heartbeats. A hint, never a fact: a heartbeat that
// is lost, or an instance that is gone, makes it wrong for a moment.
import type { Heartbeat, SessionQueued } from '@reins/contracts'
import type { Subscription } from '@reins/journal'

/** ms of silence after which what an instance said is forgotten: heartbeats come every 250 ms. */
const goneAfterMs = 3000

interface Instance {
  at: number
  waiting: { readonly count: number; readonly since: number } | undefined
  /** In order of arrival. */
  queued: ReadonlyMap<string, SessionQueued>
}

export class QueueBoard {
  readonly #now: () => number
  readonly #instances = new Map<string, Instance>()
  readonly #listeners = new Set<(session: string, queued: SessionQueued) => void>()

  constructor(now: () => number) {
    this.#now = now
  }

  heard({ instance, waiting, queued }: Heartbeat): void {
    const known = this.#instances.get(instance)
    if (!waiting) {
      if (known) this.#instances.delete(instance)
      return
    }
    const before = known?.queued ?? new Map<string, SessionQueued>()
    const now = queued ? new Map(queued.map(({ session, ...place }, ahead) => [session, { ...place, ahead }])) : before
    this.#instances.set(instance, { at: this.#now(), waiting, queued: now })
    for (const [session, place] of now)
      if (!before.has(session)) for (const listener of this.#listeners) listener(session, place)
  }

  /** Whether it waits: since when (epoch ms), and how many came before it to the same executor. */
  of(session: string): SessionQueued | undefined {
    for (const { queued } of this.#present()) {
      const place = queued.get(session)
      if (place) return place
    }
    return undefined
  }

  /** How many wait, at all executors, and since when the first of them does; undefined where nobody waits. */
  all(): { readonly count: number; readonly since: number } | undefined {
    const waiting = this.#present().flatMap((one) => one.waiting ?? [])
    if (waiting.length === 0) return undefined
    return {
      count: waiting.reduce((sum, { count }) => sum + count, 0),
      since: Math.min(...waiting.map(({ since }) => since)),
    }
  }

  /** Called when a session begins to wait. */
  onQueued(on: (session: string, queued: SessionQueued) => void): Subscription {
    this.#listeners.add(on)
    return { close: () => void this.#listeners.delete(on) }
  }

  #present(): readonly Instance[] {
    const oldest = this.#now() - goneAfterMs
    return [...this.#instances.values()].filter(({ at }) => at >= oldest)
  }
}
