// Tool calls that have shown nothing for longer than their tool usually takes, by what tool-runners say in their heartbeats. A hint,
// never a fact, as the queue board's.
import type { Heartbeat, SlowCall, SlowToolCall } from '@reins/contracts'
import type { Subscription } from '@reins/journal'

/** ms of silence after which what an instance said is forgotten: heartbeats come every 250 ms. */
const goneAfterMs = 3000

interface Instance {
  readonly at: number
  readonly calls: readonly SlowCall[]
}

export class SlowCalls {
  readonly #now: () => number
  readonly #instances = new Map<string, Instance>()
  readonly #listeners = new Set<(session: string, call: SlowToolCall) => void>()

  constructor(now: () => number) {
    this.#now = now
  }

  heard({ instance, slow }: Heartbeat): void {
    const known = this.#instances.get(instance)
    if (slow === undefined && known === undefined) return
    const calls = slow ?? known?.calls ?? []
    if (calls.length === 0) this.#instances.delete(instance)
    else this.#instances.set(instance, { at: this.#now(), calls })
    for (const one of calls)
      if (!known?.calls.some(({ call, since }) => call === one.call && since === one.since))
        for (const listener of this.#listeners) listener(one.session, shownOf(one))
  }

  of(session: string): readonly SlowToolCall[] {
    const oldest = this.#now() - goneAfterMs
    return [...this.#instances.values()]
      .filter(({ at }) => at >= oldest)
      .flatMap(({ calls }) => calls.filter((one) => one.session === session).map(shownOf))
  }

  /** Called when a call of a session becomes slow. */
  onSlow(on: (session: string, call: SlowToolCall) => void): Subscription {
    this.#listeners.add(on)
    return { close: () => void this.#listeners.delete(on) }
  }
}

const shownOf = ({ call, name, since }: SlowCall): SlowToolCall => ({ call, name, since })
