// The pools that one process serves: one consumption for each whose labels are a subset of its own (ARCHITECTURE).
//   P1. One consumption a pool, however often it is looked for.
//   P2. A pool that is made later is served without a restart.
//   P3. Once it is being closed it takes no trigger and serves no pool more.
import { type Consumption, untilAnswered } from '@reins/broker'
import { canonicalLabels, type Labels, poolKey, serves } from '@reins/contracts'
import type { Trigger, WorkQueue } from '@reins/journal'

export interface ServingOptions {
  /** How many more triggers of the pool this process can take now. */
  free(pool: string): number
  /** As of WorkQueue.consume: must not throw. */
  on(trigger: Trigger): void
  /** A consumer has ended by itself. */
  failed(error: Error): void
  /** As of WorkQueue.consume. */
  readonly odd?: ((error: Error) => void) | undefined
  /** A pool is served from now on. */
  serving(pool: string): void
  /** The look for new pools failed; the next one comes by itself. */
  missed(error: unknown): void
  /** ms between two looks for new pools. Default 2000. */
  readonly lookEveryMs?: number
}

export type PoolWork = Pick<WorkQueue, 'ensurePool' | 'pools' | 'consume'>

export class ServedPools {
  readonly #work: PoolWork
  readonly #kind: 'exec' | 'tool'
  readonly #labels: Labels
  readonly #consumptions = new Map<string, Consumption>()
  /** P1: looks may overlap when the broker is slow. */
  readonly #begun = new Set<string>()
  #looks: NodeJS.Timeout | undefined
  #closed = false

  /** Serves nothing before `start`. `labels`: the process's own. */
  constructor(work: PoolWork, kind: 'exec' | 'tool', labels: Labels) {
    this.#work = work
    this.#kind = kind
    this.#labels = labels
  }

  /** The keys of the pools that are served. */
  keys(): readonly string[] {
    return [...this.#consumptions.keys()]
  }

  has(pool: string): boolean {
    return this.#consumptions.has(pool)
  }

  /** Slots became free. */
  wake(): void {
    for (const consumption of this.#consumptions.values()) consumption.wake()
  }

  /** Makes the default pool and the process's own, serves every pool that there is by now, and goes on looking. */
  async start(options: ServingOptions): Promise<void> {
    const { lookEveryMs = 2000 } = options
    await untilAnswered(() => this.#work.ensurePool(this.#kind, poolKey({}), {}))
    if (canonicalLabels(this.#labels) !== '')
      await untilAnswered(() => this.#work.ensurePool(this.#kind, poolKey(this.#labels), this.#labels))
    await untilAnswered(() => this.#look(options))
    if (this.#closed) return
    this.#looks = setInterval(() => void this.#look(options).catch((error) => options.missed(error)), lookEveryMs)
  }

  /** Stops pulling; triggers that were handed out stay with their holders. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#looks)
    await Promise.all([...this.#consumptions.values()].map((consumption) => consumption.close()))
  }

  async #look(options: ServingOptions): Promise<void> {
    for (const { kind, key, labels } of await this.#work.pools())
      if (kind === this.#kind && serves(this.#labels, labels)) await this.#serve(key, options)
  }

  async #serve(pool: string, { free, on, failed, odd, serving }: ServingOptions): Promise<void> {
    if (this.#begun.has(pool) || this.#closed) return
    this.#begun.add(pool)
    try {
      const offered = { free: () => (this.#closed ? 0 : free(pool)), on, failed, odd }
      this.#consumptions.set(pool, await this.#work.consume(this.#kind, pool, offered))
    } catch (error) {
      // The next look begins it again.
      this.#begun.delete(pool)
      throw error
    }
    serving(pool)
  }
}
