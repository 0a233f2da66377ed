// What of each pool operators' tools watch: how much waits, for how long, and how many serve. Asked for when somebody reads the metrics.
import { canonicalLabels, type PoolInfo } from '@reins/contracts'
import type { Metrics } from '@reins/telemetry'

export class PoolGauges {
  readonly #backlog
  readonly #oldest
  readonly #inProgress
  readonly #serving
  readonly #slots
  readonly #busy

  constructor(metrics: Metrics) {
    this.#backlog = metrics.gauge('reins_pool_backlog')
    this.#oldest = metrics.gauge('reins_pool_oldest_seconds')
    this.#inProgress = metrics.gauge('reins_pool_in_progress')
    this.#serving = metrics.gauge('reins_pool_instances')
    this.#slots = metrics.gauge('reins_pool_slots')
    this.#busy = metrics.gauge('reins_pool_slots_busy')
  }

  /** Pools that are not among these are shown no more. */
  show(pools: readonly PoolInfo[]): void {
    for (const gauge of [this.#backlog, this.#oldest, this.#inProgress, this.#serving, this.#slots, this.#busy])
      gauge.reset()
    for (const { key, kind, labels, backlog, inProgress, oldestMs = 0, servedBy } of pools) {
      const of = { pool: key, kind, labels: canonicalLabels(labels) }
      this.#backlog.set(of, backlog)
      this.#oldest.set(of, oldestMs / 1000)
      this.#inProgress.set(of, inProgress)
      const there = servedBy.filter(({ leaving }) => !leaving)
      this.#serving.set(of, there.length)
      this.#slots.set(of, sum(there.map(({ slots }) => slots)))
      this.#busy.set(of, sum(there.map(({ busy }) => busy)))
    }
  }
}

const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0)
