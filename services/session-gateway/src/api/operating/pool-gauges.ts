// What of each pool operators' tools watch: how much waits, for how long, and how many serve. Asked for when somebody reads the metrics.
import type { PoolInfo } from '@reins/contracts'
import type { Metrics } from '@reins/telemetry'

const labels = ['pool', 'kind'] as const

export class PoolGauges {
  readonly #backlog
  readonly #oldest
  readonly #inProgress
  readonly #serving

  constructor(metrics: Metrics) {
    this.#backlog = metrics.gauge('reins_pool_backlog', 'Triggers of a pool that nobody has been given yet', labels)
    this.#oldest = metrics.gauge('reins_pool_oldest_seconds', 'Age of the oldest of them; 0 without one', labels)
    this.#inProgress = metrics.gauge('reins_pool_in_progress', 'Triggers of a pool that are being worked on', labels)
    this.#serving = metrics.gauge('reins_pool_instances', 'Instances that serve a pool and are not leaving', labels)
  }

  /** Pools that are not among these are shown no more. */
  show(pools: readonly PoolInfo[]): void {
    for (const gauge of [this.#backlog, this.#oldest, this.#inProgress, this.#serving]) gauge.reset()
    for (const { key, kind, backlog, inProgress, oldestMs = 0, servedBy } of pools) {
      const of = { pool: key, kind }
      this.#backlog.set(of, backlog)
      this.#oldest.set(of, oldestMs / 1000)
      this.#inProgress.set(of, inProgress)
      this.#serving.set(of, servedBy.filter(({ leaving }) => !leaving).length)
    }
  }
}
