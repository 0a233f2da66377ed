// Pools as operators see them: what waits, and who serves. From the work queue and the heartbeats; nothing is kept.
import { setTimeout as pause } from 'node:timers/promises'
import {
  canonicalLabels,
  type Heartbeat,
  type PoolInfo,
  type PoolList,
  type SessionInfo,
  serves,
} from '@reins/contracts'
import type { Subscription } from '@reins/journal'
import type { Heartbeats, Pools, PresenceService } from '../../ports.ts'
import { authorize, type Caller } from '../caller.ts'
import { operations } from '../operations.ts'
import type { PoolGauges } from './pool-gauges.ts'

/** ms of silence after which an instance is no longer shown: heartbeats come every 250 ms. */
const goneAfterMs = 3000
/** ms that a reader of the metrics waits for a broker that does not answer: it then sees the figures of before. */
const measureWithinMs = 800

/** What is kept of a heartbeat: not what its instance holds, which may be ten thousand calls. */
type Kept = Pick<Heartbeat, 'instance' | 'pools' | 'labels' | 'slots' | 'busy'> & {
  readonly [Field in 'waiting' | 'leaving']: Heartbeat[Field] | undefined
}

interface Hears {
  heard(heartbeat: Heartbeat): void
}

export class PoolBoard {
  readonly #work: Pools
  readonly #now: () => number
  /** It began to listen. */
  readonly #since: number
  readonly #present = new Map<string, { service: PresenceService; heartbeat: Kept; at: number }>()
  readonly #subscription: Subscription

  /** `hearing`: they hear what this hears. */
  constructor(work: Pools, heartbeats: Heartbeats, now: () => number, hearing: readonly Hears[]) {
    this.#work = work
    this.#now = now
    this.#since = now()
    this.#subscription = heartbeats((service, heartbeat) => {
      for (const one of hearing) one.heard(heartbeat)
      const { instance, pools, labels, slots, busy, waiting, leaving } = heartbeat
      const kept = { instance, pools, labels, slots, busy, waiting, leaving }
      this.#present.set(instance, { service, heartbeat: kept, at: this.#now() })
    })
  }

  /** Whether every executor and tool-runner that is there now is one of these. */
  areAllOf(instances: ReadonlySet<string>): boolean {
    const oldest = this.#now() - goneAfterMs
    for (const [instance, { at }] of this.#present) if (at >= oldest && !instances.has(instance)) return false
    return true
  }

  async list(caller: Caller): Promise<PoolList> {
    authorize(caller, operations.listPools)
    return { pools: await this.#all() }
  }

  /** Brings the gauges up to date, if the broker answers in time. */
  async measure(gauges: PoolGauges): Promise<void> {
    const measured = this.#all().then(
      (pools) => gauges.show(pools),
      () => undefined,
    )
    const late = new AbortController()
    await Promise.race([measured, pause(measureWithinMs, undefined, { signal: late.signal }).catch(() => undefined)])
    late.abort()
  }

  async #all(): Promise<PoolInfo[]> {
    const oldest = this.#now() - goneAfterMs
    for (const [instance, { at }] of this.#present) if (at < oldest) this.#present.delete(instance)
    const pools = await this.#work.pools()
    return Promise.all(pools.map((pool) => this.#info(pool)))
  }

  /** What a session of this pool waits for, where nobody serves it; undefined: somebody does, or nobody knows yet. */
  async unserved(kind: 'exec' | 'tool', key: string): Promise<SessionInfo['unserved']> {
    const now = this.#now()
    if (now - this.#since < goneAfterMs) return undefined
    const service: PresenceService = kind === 'exec' ? 'executor' : 'tool-runner'
    const there = [...this.#present.values()].filter((one) => one.service === service && now - one.at < goneAfterMs)
    if (there.some(({ heartbeat }) => heartbeat.pools.includes(key))) return undefined
    const pool = (await this.#work.pools()).find((one) => one.kind === kind && one.key === key)
    if (!pool || there.some(({ heartbeat }) => serves(heartbeat.labels, pool.labels))) return undefined
    const asked = canonicalLabels(pool.labels)
    const start = `reins service ${service}${Object.entries(pool.labels)
      .map(([name, value]) => ` --label ${name}=${value}`)
      .join('')}`
    const message = `waits for ${service === 'executor' ? 'an executor' : 'a tool-runner'}${asked === '' ? '' : ` with ${asked}`}; start one: ${start}`
    return { service, labels: { ...pool.labels }, message }
  }

  close(): void {
    this.#subscription.close()
  }

  async #info({ key, kind, labels }: Awaited<ReturnType<Pools['pools']>>[number]): Promise<PoolInfo> {
    const service: PresenceService = kind === 'exec' ? 'executor' : 'tool-runner'
    const { backlog, inProgress, oldestMs } = await this.#work.backlog(kind, key)
    const servedBy = [...this.#present.values()]
      .filter((one) => one.service === service && one.heartbeat.pools.includes(key))
      .map(({ heartbeat: { instance, slots, busy, waiting, leaving } }) => ({
        ...{ instance, slots, busy },
        ...(waiting ? { queued: waiting.count, queuedMs: Math.max(this.#now() - waiting.since, 0) } : {}),
        leaving: leaving ?? false,
      }))
    return {
      ...{ key, labels: { ...labels }, kind: service, backlog, inProgress, servedBy },
      ...(oldestMs === undefined ? {} : { oldestMs: Math.round(oldestMs) }),
    }
  }
}
