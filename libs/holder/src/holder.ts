// The shell around whoever holds triggers: an executor, a tool-runner. It serves the pools that its labels cover, keeps an actor a
// session, says what it holds, and hands everything back at its end (PROTOCOL 4 to 6). It decides nothing about a session.
//   X1. What works takes one of the work slots; what waits for a model or a long tool takes a slot of another kind, of which there are
//       many. So triggers are pulled while calls wait, and a cancel never waits for somebody's call (PROTOCOL 4).
//   X2. Triggers that are held get working() each third of ack_wait, never while the instance is suspect (PROTOCOL 6).
//   X3. A consumer that ends by itself, or whose callback throws, ends the process.
//   X4. Where there is no slot for a call here, and another instance of the pool has one, that one is left to pull, and is given what
//       waits here. Where nobody has one, each instance takes what comes and lets it wait in order.
//   X5. At the end nothing new is pulled; calls have a moment to end; then what is held goes back, and last the broker has it all.
//   X6. A trigger of a session that another instance knows is given to that one (PROTOCOL 6); it takes it where it has room to work.
import type { Presence, PresenceOptions } from '@reins/broker'
import type { GivenTrigger, Holding, Labels } from '@reins/contracts'
import type { Trigger, WorkQueue } from '@reins/journal'
import type { Clock } from '@reins/service'
import { Actors, type Cacheable } from './actors.ts'
import type { Queued } from './call-slots.ts'
import { type PoolWork, ServedPools } from './served-pools.ts'

/** One session in one process. */
export interface HeldActor extends Cacheable {
  /** How many work slots it takes now. */
  work(): number
  deliver(trigger: Trigger): void
  /** An instance that said it runs this is gone. */
  lost(holding: Holding): void
  /** It knows its session: to go on with it costs no read. Absent: it is never asked (X6). */
  warm?(): boolean
  /** Somebody else has closed the call in the log. */
  abort(call: string, attempt: number): void
  /** Whether this process answers for the attempt. */
  runs(call: string, attempt: number): boolean
  /** Of everything that it holds. */
  working(): void
  /** After a stall or a reconnect: re-reads, and forgets what was lost. */
  recheck(): Promise<void>
  /** It waits for a slot that another instance has: gives its triggers back. */
  handOver(): void
  /** At shutdown: gives back what it holds. */
  release(): Promise<void>
}

/** Who waits for a slot for its call. */
export interface Queue {
  /** Whoever comes now has to wait. */
  full(): boolean
  readonly waiting: number
  /** In order of arrival. `throttled`: it waits for no slot but for its provider, and why. */
  queued(): readonly (Queued & { readonly throttled?: string })[]
  /** There may be room again. */
  serve(): void
  /** What is pulled takes one of these at once, and so many are left. Absent: it may not need one. */
  readonly free?: number
}

export interface HolderEvents {
  serving(pool: string): void
  /** The look for new pools failed; the next one comes by itself. */
  missed(error: unknown): void
  /** A trigger could not be taken; it comes again after a while. */
  readonly odd?: ((error: Error) => void) | undefined
  gone(instance: string, calls: number): void
  /** Every third of ack_wait: the time for gauges. */
  beat(): void
}

export interface HolderOptions<A extends HeldActor> {
  readonly service: 'executor' | 'tool-runner'
  /** Made new at each start. */
  readonly instance: string
  readonly labels: Labels
  readonly ackWaitMs: number
  readonly work: PoolWork & Pick<WorkQueue, 'given'>
  readonly clock: Pick<Clock, 'now'>
  readonly presence: (options: PresenceOptions) => Presence
  readonly actor: (session: string) => A
  /** Of actors at rest that are kept because they know their sessions. */
  readonly cacheBytes: number
  readonly workSlots: number
  readonly queue: Queue
  /** As the instance says it to others: calls that it can run, and runs. */
  readonly calls: () => { readonly slots: number; readonly busy: number }
  readonly slow?: PresenceOptions['slow']
  readonly shares?: PresenceOptions['shares']
  /** X6: it takes triggers of sessions that it knows. */
  readonly takes?: boolean
  /** Aborted when the process gives up what it could not finish. */
  readonly stopping: AbortController
  /** ms that calls may go on after the end was asked for. */
  readonly drainMs: number
  readonly on: HolderEvents
  readonly fatal: (error: Error) => void
  /** Resolves when the broker has what was said. */
  readonly flush: () => Promise<unknown>
}

const kinds = { executor: 'exec', 'tool-runner': 'tool' } as const
const balanceMs = 250
const giveUpMs = 2000
/** Sessions that wait here at most, as a multiple of the calls that this instance runs, and at least so many. */
const queueShare = 4
const leastQueue = 1000

export class Holder<A extends HeldActor> {
  readonly #options: HolderOptions<A>
  readonly #actors: Actors<A>
  readonly #pools: ServedPools
  readonly #presence: Presence
  /** Actors that hold or do something, and the work slots that each takes. */
  readonly #busy = new Map<A, number>()
  #work = 0
  #draining = false
  #heartbeat: NodeJS.Timeout | undefined
  #balance: NodeJS.Timeout | undefined

  constructor(options: HolderOptions<A>) {
    const { service, instance, labels, ackWaitMs, work } = options
    this.#options = options
    this.#actors = new Actors(options.cacheBytes, options.actor)
    this.#pools = new ServedPools(work, kinds[service], labels)
    this.#presence = options.presence({
      ...{ service, instance, labels, ackWaitMs },
      pools: () => this.#pools.keys(),
      calls: options.calls,
      queued: () => options.queue.queued(),
      slow: options.slow,
      shares: options.shares,
      runs: ({ session, call, attempt }) => this.#actors.known(session)?.runs(call, attempt) ?? false,
      abort: ({ session, call, attempt }) => this.#actors.known(session)?.abort(call, attempt),
      ...(options.takes ? { take: (given) => this.#take(given) } : {}),
      onGone: (gone, holdings) => {
        if (this.#draining) return
        options.on.gone(gone, holdings.length)
        for (const holding of holdings) this.#actors.of(holding.session).lost(holding)
      },
      recheck: async () => {
        await Promise.all([...this.#busy.keys()].map((actor) => actor.recheck()))
      },
    })
  }

  get presence(): Presence {
    return this.#presence
  }

  /** How many sessions are held or worked on. */
  get busy(): number {
    return this.#busy.size
  }

  serves(pool: string): boolean {
    return this.#pools.has(pool)
  }

  /** A session's actor, for what comes to it from elsewhere than a trigger. */
  actorOf(session: string): A {
    return this.#actors.of(session)
  }

  /** A session's actor, where there is one. */
  knownActor(session: string): A | undefined {
    return this.#actors.known(session)
  }

  /** What an actor holds or does has changed. Each says so itself, whenever that may be. */
  changed(actor: A): void {
    const before = this.#busy.get(actor) ?? 0
    const busy = actor.busy()
    const now = busy ? actor.work() : 0
    if (busy) this.#busy.set(actor, now)
    else if (this.#busy.delete(actor)) this.#actors.rested(actor)
    this.#work += now - before
    if (now < before) this.#pools.wake()
  }

  /** A slot for a call may be free: more can be pulled. */
  wake(): void {
    this.#pools.wake()
  }

  async start(): Promise<void> {
    const { ackWaitMs, fatal, on, queue } = this.#options
    await this.#pools.start({
      free: (pool) => this.#free(pool),
      on: (trigger) => this.#actors.of(trigger.session).deliver(trigger),
      failed: fatal,
      serving: on.serving,
      missed: on.missed,
      odd: on.odd,
    })
    this.#heartbeat = setInterval(() => {
      on.beat()
      // X2.
      if (!this.#presence.suspect()) for (const actor of this.#busy.keys()) actor.working()
    }, ackWaitMs / 3)
    this.#balance = setInterval(() => {
      queue.serve()
      this.#handOver()
    }, balanceMs)
  }

  /** X6. */
  async #take({ session, pool, seq, handle }: GivenTrigger): Promise<boolean> {
    const willing = (): boolean =>
      !this.#presence.suspect() && this.#free(pool) > 0 && this.#actors.known(session)?.warm?.() === true
    if (!this.#pools.has(pool) || !willing()) return false
    const trigger = await this.#options.work.given(kinds[this.#options.service], pool, seq, handle)
    if (trigger?.session !== session || !willing()) return false
    this.#actors.of(session).deliver(trigger)
    return true
  }

  /** X1, X4. */
  #free(pool: string): number {
    const { workSlots, queue } = this.#options
    const left = this.#draining ? 0 : workSlots - this.#work
    if (left <= 0) return 0
    if (!queue.full()) return Math.min(left, queue.free ?? left)
    const mostQueued = Math.max(leastQueue, queueShare * this.#options.calls().slots)
    return queue.waiting >= mostQueued || this.#presence.roomElsewhere(pool) > 0 ? 0 : left
  }

  /** X4: those that have waited longest, as many as there is room for. */
  #handOver(): void {
    const { queue } = this.#options
    if (queue.waiting === 0 || this.#draining) return
    const room = new Map<string, number>()
    for (const { session, pool, throttled } of queue.queued()) {
      if (throttled !== undefined) continue
      const left = room.get(pool) ?? this.#presence.roomElsewhere(pool)
      room.set(pool, left - 1)
      if (left > 0) this.#actors.known(session)?.handOver()
    }
  }

  /** X5. Runs once. */
  async close(): Promise<void> {
    const { clock, drainMs, stopping, flush } = this.#options
    this.#draining = true
    this.#presence.leave()
    await this.#pools.close()
    const deadline = clock.now() + drainMs
    while (this.#options.calls().busy + this.#work > 0 && clock.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 10))
    // What waits for a broker that is away gives up here: what it holds is redelivered.
    const giveUp = setTimeout(() => stopping.abort(), giveUpMs)
    await Promise.all([...this.#busy.keys()].map((actor) => actor.release().catch(() => undefined)))
    clearTimeout(giveUp)
    stopping.abort()
    this.#actors.dispose()
    await flush().catch(() => undefined)
    clearInterval(this.#heartbeat)
    clearInterval(this.#balance)
    this.#presence.close()
  }
}
