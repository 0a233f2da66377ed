// The executor: serves the pools that its labels cover, one actor a session (PROTOCOL 4 and 6).
//   X1. It never takes more sessions than it has slots; a held trigger is a slot.
//   X2. Triggers that it holds get working() each third of ack_wait, never while it is suspect (PROTOCOL 6).
//   X3. A consumer that ends by itself, or whose callback throws, ends the process.

import { type Broker, BrokerUnavailable, startPresence } from '@reins/broker'
import type { Labels } from '@reins/contracts'
import { type Journal, type RegistryView, ServedPools } from '@reins/journal'
import type { Models } from '@reins/models'
import { type Clock, Closing, type PausePoint, type Running } from '@reins/service'
import type { Log, Metrics, Redactor } from '@reins/telemetry'
import type { ExecutorContext } from './context.ts'
import { Definitions } from './definitions.ts'
import { executorMetrics } from './executor-metrics.ts'
import { defaultRetryPolicy, type RetryPolicy } from './retries.ts'
import { SessionActor } from './session-actor.ts'

export interface ExecutorConfig {
  readonly broker: Broker
  readonly journal: Journal
  readonly registry: RegistryView
  readonly models: Models
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly instance: string
  readonly labels: Labels
  /** Sessions at once. */
  readonly concurrency: number
  readonly ackWaitMs: number
  readonly pauseAt: PausePoint
  readonly redactor: Redactor
  readonly retries?: RetryPolicy
  /** ms that a model call may go on after the service was told to stop, before it is handed over. */
  readonly drainMs?: number
  /** The consumer is gone for good: the process must end. */
  readonly fatal: (error: Error) => void
}

const cachedSessions = 2000
const giveUpMs = 2000

export async function start(config: ExecutorConfig): Promise<Running> {
  const { broker, journal, clock, log, labels, ackWaitMs } = config
  const closing = new Closing()
  const stopping = new AbortController()
  const actors = new Map<string, SessionActor>()
  const pools = new ServedPools(journal.work, 'exec', labels)
  const metrics = executorMetrics(config.metrics)
  let draining = false

  const active = new Set<SessionActor>()

  const context: ExecutorContext = {
    instance: config.instance,
    sessions: journal.sessions,
    feed: journal.feed,
    timers: journal.timers,
    work: journal.work,
    snapshots: journal.snapshots,
    registry: config.registry,
    // A broker that is away for longer than one question must not fail a turn.
    definitions: new Definitions({ version: (digest) => context.reading(() => config.registry.version(digest)) }),
    models: config.models,
    clock,
    metrics,
    ackWaitMs,
    followAfterMs: 100,
    retries: config.retries ?? defaultRetryPolicy,
    stopping: stopping.signal,
    pauseAt: config.pauseAt,
    redactor: config.redactor,
    active,
    presence: () => presence,
    servesPool: (pool) => pool !== undefined && pools.has(pool),
    async reading(read) {
      for (;;) {
        try {
          return await read()
        } catch (error) {
          if (!(error instanceof BrokerUnavailable) || stopping.signal.aborted) throw error
        }
      }
    },
    report(session, error) {
      if (stopping.signal.aborted) return
      metrics.failures.inc()
      log.error({ session, err: error }, 'a step of a session failed in the executor; it will be tried again')
    },
    appended(_before, events) {
      for (const event of events)
        if (event.type === 'model-call.completed') {
          metrics.tokens('input', event.data.usage.inputTokens)
          metrics.tokens('output', event.data.usage.outputTokens)
        }
    },
    idle: () => pools.wake(),
  }

  const presence = startPresence(broker, {
    service: 'executor',
    instance: config.instance,
    pools: () => pools.keys(),
    labels,
    slots: config.concurrency,
    busy: () => active.size,
    ackWaitMs,
    runs: ({ session, call, attempt }) => actors.get(session)?.runs(call, attempt) ?? false,
    abort: ({ session, call, attempt }) => actors.get(session)?.abort(call, attempt),
    onGone: (instance, holdings) => {
      if (draining) return
      log.warn({ instance, calls: holdings.length }, 'an executor is gone; taking its calls over')
      for (const holding of holdings) actorOf(holding.session).lost(holding)
    },
    recheck: async () => {
      await Promise.all([...active].map((actor) => actor.recheck()))
    },
  })
  closing.add('presence', () => presence.close())

  function actorOf(session: string): SessionActor {
    let actor = actors.get(session)
    if (actor) {
      // Most recently used last: the map's order is the eviction order.
      actors.delete(session)
    } else actor = new SessionActor(session, context)
    actors.set(session, actor)
    if (actors.size > cachedSessions) evict()
    return actor
  }

  function evict(): void {
    for (const [id, actor] of actors) {
      if (actors.size <= cachedSessions * 0.9) return
      if (actor.busy()) continue
      actor.dispose()
      actors.delete(id)
    }
  }

  await pools.start({
    free: () => (draining ? 0 : config.concurrency - active.size),
    on: (trigger) => actorOf(trigger.session).deliver(trigger),
    failed: config.fatal,
    serving: (pool) => log.info({ pool }, 'serving a pool'),
    missed: (error) => log.warn({ err: error }, 'could not look for new pools'),
  })

  const heartbeat = setInterval(() => {
    metrics.busy.set(active.size)
    if (presence.suspect()) return
    for (const actor of active) actor.working()
  }, ackWaitMs / 3)
  closing.add('heartbeat', () => clearInterval(heartbeat))

  closing.add('sessions', async () => {
    draining = true
    presence.leave()
    await pools.close()
    const deadline = clock.now() + (config.drainMs ?? 150)
    while (active.size > 0 && clock.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10))
    // An actor that waits for a broker that is away gives up here: what it holds is redelivered.
    const giveUp = setTimeout(() => stopping.abort(), giveUpMs)
    await Promise.all([...active].map((actor) => actor.release().catch(() => undefined)))
    clearTimeout(giveUp)
    stopping.abort()
    for (const actor of actors.values()) actor.dispose()
    await broker.nc.flush().catch(() => undefined)
  })
  return closing
}
