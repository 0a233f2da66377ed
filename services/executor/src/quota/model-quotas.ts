// The quotas of model providers in one executor, shared with all others (PROTOCOL 4a): whether a call may begin, and who waits for that.
//   MQ1. Of all living executors the one whose name comes first owns every bucket. It knows nothing that the others do not say again:
//        when it dies the next one goes on, with what is left of the bucket as its owner said it last.
//   MQ2. While the owner does not answer, an executor goes on by its own share of the bucket.
//   MQ3. A refusal is told to everybody at once, and closes the bucket everywhere for as long as the provider asks.
//   MQ4. A bucket without a limit that nobody was refused lately costs nothing: no message, no wait.
//   MQ6. What begins is counted by everybody who hears of it, whoever let it begin. So two that both take themselves for the owner, because one
//        of them was not heard for a while, share what comes, and so does who goes on alone.
//   MQ5. Nothing here is a fact: what is lost costs time, or a refusal, which is an event of the session (retries.ts).
import type { QuotaDemand, QuotaGranted, QuotaLimit, QuotaRefused, QuotaSpent, QuotaWaiting } from '@reins/contracts'
import { FairQueue, type Place, type Queued, type Turn } from '@reins/holder'
import type { ModelQuota } from '@reins/models'
import { Bucket } from './bucket.ts'
import { BucketOwner } from './bucket-owner.ts'

export interface QuotaPorts {
  readonly instance: string
  /** ms of a clock that goes on. */
  readonly now: () => number
  /** epoch ms, for people. */
  readonly clock: () => number
  /** Living executors that share quotas, without this one. */
  readonly sharers: () => readonly string[]
  ask(owner: string, demand: QuotaDemand): void
  tell(what: 'granted', said: QuotaGranted): void
  tell(what: 'refused', said: QuotaRefused): void
  tell(what: 'spent', said: QuotaSpent): void
  /** Calls `run` once, `ms` from now. */
  after(ms: number, run: () => void): () => void
  readonly metrics: QuotaMetrics
}

export interface QuotaMetrics {
  /** A call of this quota has begun, after so long a wait. */
  waited(quota: string, ms: number): void
  /** It began without the owner's word. */
  ownShare(quota: string): void
}

/** Of one quota, for gauges. */
export interface QuotaState {
  readonly quota: string
  readonly waiting: number
  readonly closedMs: number
}

interface Waiter extends Turn {
  readonly queued: Queued
  readonly at: number
  readonly granted: () => void
}

interface Shared {
  readonly id: string
  readonly bucket: Bucket
  readonly waiting: FairQueue<Waiter>
  /** What people call it; undefined: no call here counts against it. */
  quota: ModelQuota | undefined
  /** While this executor owns it. */
  owner: BucketOwner | undefined
  /** The newest grant that was heard, and whose. */
  heard: { readonly by: string; readonly no: number }
  /** When the owner was heard last, or asked first. */
  answered: number
  /** epoch ms, for people: until then the provider takes no calls. */
  closedUntil: number
  callOff: (() => void) | undefined
  saying: boolean
}

/** ms in which every living executor is heard of. */
const settledMs = 1_000
const silentMs = 1_500
const mostGroups = 256

export class ModelQuotas {
  readonly #ports: QuotaPorts
  readonly #started: number
  readonly #shared = new Map<string, Shared>()

  constructor(ports: QuotaPorts) {
    this.#ports = ports
    this.#started = ports.now()
  }

  /** Sessions that wait here. */
  get waiting(): number {
    let waiting = 0
    for (const one of this.#shared.values()) waiting += one.waiting.size
    return waiting
  }

  /** In order of arrival, each with why its provider is asked for nothing now. */
  queued(): readonly (Queued & { readonly throttled: string })[] {
    return [...this.#shared.values()]
      .flatMap((shared) => {
        const throttled = this.#reason(shared)
        return shared.waiting.all().map(({ queued }) => ({ ...queued, throttled }))
      })
      .sort((a, b) => a.since - b.since)
  }

  states(): readonly QuotaState[] {
    const now = this.#ports.now()
    return [...this.#shared.values()].flatMap(({ quota, waiting, bucket }) =>
      quota ? [{ quota: quota.name, waiting: waiting.size, closedMs: bucket.closedMs(now) }] : [],
    )
  }

  /** Whether a call may begin without asking anybody (MQ4). */
  free(quota: ModelQuota | undefined): boolean {
    return quota === undefined || !(this.#of(quota)?.bucket.bounded(this.#ports.now()) ?? false)
  }

  /** Waits for its turn; `granted` is called once, later. */
  wait(quota: ModelQuota, who: Omit<Queued, 'since'>, granted: () => void): Place {
    const { principal, group } = who
    const shared = this.#of(quota) ?? this.#open(quota.bucket, quota)
    const queued = { ...who, since: this.#ports.clock() }
    const waiter: Waiter = { principal, group, queued, granted, at: this.#ports.now() }
    if (shared.waiting.size === 0) shared.answered = waiter.at
    shared.waiting.add(waiter)
    this.#saySoon(shared)
    return {
      leave: () => {
        if (shared.waiting.remove(waiter)) this.#saySoon(shared)
      },
    }
  }

  /** Why whoever waits for it does, for people. */
  reason(quota: ModelQuota): string {
    const shared = this.#of(quota)
    return shared ? this.#reason(shared) : ''
  }

  /** MQ3. The provider has refused a call. */
  refused(quota: ModelQuota, ms: number): void {
    const shared = this.#of(quota) ?? this.#open(quota.bucket, quota)
    this.#close(shared, ms)
    this.#ports.tell('refused', { bucket: quota.bucket, by: this.#ports.instance, ms: Math.ceil(ms) })
  }

  spent(quota: ModelQuota, tokens: number): void {
    const shared = this.#of(quota)
    if (quota.limit.tokens === undefined || tokens <= 0 || !shared) return
    shared.bucket.spent(tokens)
    this.#ports.tell('spent', { bucket: quota.bucket, by: this.#ports.instance, tokens })
  }

  // --- what others say ---

  heardDemand(demand: QuotaDemand): void {
    const shared = this.#shared.get(demand.bucket) ?? this.#open(demand.bucket, undefined, demand.limit)
    const now = this.#ports.now()
    if (this.#owner() !== this.#ports.instance) return
    this.#owned(shared).asked(demand, now)
    this.#serve(shared)
  }

  heardGranted({ bucket, by, no, limit, level, grants }: QuotaGranted): void {
    if (by === this.#ports.instance) return
    const shared = this.#shared.get(bucket) ?? this.#open(bucket, undefined, limit)
    const now = this.#ports.now()
    shared.bucket.narrow(limit)
    if (by !== this.#owner()) {
      // MQ6.
      for (const { count } of grants) for (let left = count; left > 0; left--) shared.bucket.begin()
      return
    }
    shared.heard = { by, no }
    shared.answered = now
    shared.bucket.learn(
      grants.reduce((sum, { count }) => sum + count, 0),
      level,
      now,
    )
    for (const grant of grants) if (grant.to === this.#ports.instance) this.#grant(shared, grant)
  }

  heardRefused({ bucket, by, ms }: QuotaRefused): void {
    if (by === this.#ports.instance) return
    this.#close(this.#shared.get(bucket) ?? this.#open(bucket, undefined), ms)
  }

  heardSpent({ bucket, by, tokens }: QuotaSpent): void {
    if (by !== this.#ports.instance) this.#shared.get(bucket)?.bucket.spent(tokens)
  }

  /** Four times a second: says again what waits, looks who owns, and goes on alone where nobody answers. */
  tick(): void {
    const now = this.#ports.now()
    const owner = this.#owner()
    const living = new Set([this.#ports.instance, ...this.#ports.sharers()])
    for (const shared of this.#shared.values()) {
      if (owner !== this.#ports.instance) shared.owner = undefined
      shared.owner?.forget((instance) => living.has(instance), now)
      if (!shared.bucket.bounded(now)) {
        this.#letAll(shared)
        if ((shared.owner?.waiting ?? 0) === 0) this.#shared.delete(shared.id)
        continue
      }
      if (shared.waiting.size > 0) this.#say(shared)
      // That the owner is there, to those who wait.
      if (shared.owner?.askers().some((one) => one !== this.#ports.instance)) this.#serve(shared, true)
    }
  }

  close(): void {
    for (const shared of this.#shared.values()) shared.callOff?.()
  }

  // --- MQ1, MQ2 ---

  /** Whether it has heard of every living executor, and of what is left of their buckets: from then on it may own them. */
  settled(): boolean {
    return this.#ports.now() - this.#started >= settledMs
  }

  /** undefined: it is not known yet who is there. */
  #owner(): string | undefined {
    const candidates = [...this.#ports.sharers(), ...(this.settled() ? [this.#ports.instance] : [])]
    return candidates.reduce<string | undefined>((first, one) => (first && first < one ? first : one), undefined)
  }

  #owned(shared: Shared): BucketOwner {
    shared.owner ??= new BucketOwner(shared.bucket)
    return shared.owner
  }

  #saySoon(shared: Shared): void {
    if (shared.saying) return
    shared.saying = true
    // Many that come in one turn of the event loop are one message.
    this.#ports.after(0, () => {
      shared.saying = false
      this.#say(shared)
    })
  }

  #say(shared: Shared): void {
    const { instance, now } = this.#ports
    const owner = this.#owner()
    if (owner === undefined) return
    const waiting = groupsOf(shared.waiting)
    const limit = shared.quota?.limit ?? {}
    if (owner === instance) {
      const mine = this.#owned(shared)
      mine.asked({ instance, limit, heard: mine.no, waiting }, now())
      this.#serve(shared)
      return
    }
    const heard = shared.heard.by === owner ? shared.heard.no : 0
    this.#ports.ask(owner, { bucket: shared.id, instance, limit, heard, waiting })
    if (shared.waiting.size > 0 && now() - shared.answered > silentMs) this.#goOnAlone(shared)
  }

  #serve(shared: Shared, always = false): void {
    const { instance, now } = this.#ports
    const owner = this.#owned(shared)
    const grants = owner.serve(now())
    if (grants.length > 0 || always) {
      const level = shared.bucket.level(now())
      const { limit } = shared.bucket
      this.#ports.tell('granted', { bucket: shared.id, by: instance, no: owner.no, limit, level, grants })
    }
    for (const grant of grants) if (grant.to === instance) this.#grant(shared, grant)
    shared.callOff?.()
    shared.callOff = undefined
    if (owner.waiting === 0) return
    // The tick comes anyway.
    const wait = Math.max(1, shared.bucket.waitMs(now()))
    if (wait < 250)
      shared.callOff = this.#ports.after(wait, () => {
        if (shared.owner === owner) this.#serve(shared)
      })
  }

  /** MQ2. */
  #goOnAlone(shared: Shared): void {
    const { now: at, sharers, instance } = this.#ports
    const now = at()
    const share = 1 / (sharers().length + 1)
    const grants: { to: string; principal: string; group: string; count: number }[] = []
    while (shared.waiting.size > 0 && shared.bucket.waitMs(now, share) === 0) {
      const next = shared.waiting.next()
      if (!next) break
      shared.bucket.begin()
      grants.push({ to: instance, principal: next.principal, group: next.group, count: 1 })
      this.#ports.metrics.ownShare(shared.quota?.name ?? '')
      this.#let(shared, next)
    }
    if (grants.length === 0) return
    // MQ6.
    const [level, { limit }] = [shared.bucket.level(now), shared.bucket]
    this.#ports.tell('granted', { bucket: shared.id, by: instance, no: 0, limit, level, grants })
  }

  // --- who waits here ---

  /** Where none of that group waits any more, another one's turn has come. */
  #grant(shared: Shared, { count, ...turn }: QuotaWaiting): void {
    for (let left = count; left > 0; left--) {
      const waiter = shared.waiting.nextOf(turn) ?? shared.waiting.next()
      if (!waiter) return
      this.#let(shared, waiter)
    }
  }

  #letAll(shared: Shared): void {
    for (let waiter = shared.waiting.next(); waiter; waiter = shared.waiting.next()) this.#let(shared, waiter)
  }

  #let(shared: Shared, { granted, at }: Waiter): void {
    this.#ports.metrics.waited(shared.quota?.name ?? '', this.#ports.now() - at)
    queueMicrotask(granted)
  }

  #close(shared: Shared, ms: number): void {
    shared.bucket.refused(this.#ports.now(), ms)
    shared.closedUntil = this.#ports.clock() + shared.bucket.closedMs(this.#ports.now())
  }

  #reason({ quota, bucket, closedUntil }: Shared): string {
    const name = quota?.name ?? ''
    if (bucket.closedMs(this.#ports.now()) > 0) {
      const until = new Date(Math.ceil(closedUntil / 1000) * 1000).toISOString()
      return `${name} has refused calls, and is asked again at ${until.slice(11, 19)} UTC`
    }
    const { requests, tokens } = bucket.limit
    const limits = [
      ...(requests === undefined ? [] : [`${requests} requests`]),
      ...(tokens === undefined ? [] : [`${tokens} tokens`]),
    ]
    return limits.length > 0
      ? `the quota of ${name} is used up for the moment: ${limits.join(' and ')} a minute`
      : `${name} has refused calls a moment ago, and is asked again by few sessions at first`
  }

  /** undefined: it has no limit, and nobody was refused lately. */
  #of(quota: ModelQuota): Shared | undefined {
    const known = this.#shared.get(quota.bucket)
    if (known) {
      known.quota ??= quota
      known.bucket.narrow(quota.limit)
      return known
    }
    const { requests, tokens } = quota.limit
    return requests === undefined && tokens === undefined ? undefined : this.#open(quota.bucket, quota)
  }

  #open(id: string, quota: ModelQuota | undefined, limit: QuotaLimit = quota?.limit ?? {}): Shared {
    const now = this.#ports.now()
    const shared: Shared = {
      ...{ id, quota, bucket: new Bucket(limit, now), waiting: new FairQueue(), owner: undefined },
      ...{ heard: { by: '', no: 0 }, answered: now, closedUntil: 0, callOff: undefined, saying: false },
    }
    this.#shared.set(id, shared)
    return shared
  }
}

/** How many of each group wait: of the first so many groups in turn. */
function groupsOf(queue: FairQueue<Waiter>): QuotaWaiting[] {
  const groups = new Map<string, { principal: string; group: string; count: number }>()
  for (const { principal, group } of queue.all()) {
    const key = JSON.stringify([principal, group])
    const known = groups.get(key) ?? { principal, group, count: 0 }
    known.count++
    groups.set(key, known)
  }
  return [...groups.values()].slice(0, mostGroups)
}
