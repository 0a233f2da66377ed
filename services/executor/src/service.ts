// The executor: a session's actor for each session of the pools that its labels cover (PROTOCOL 4 and 6), in the shell that it shares
// with the tool-runner (libs/holder, whose invariants hold here).
//   X6. Sessions that are decided take a work slot; model calls in flight take a slot of their own, bounded by memory too.
import { type Broker, callService, startPresence } from '@reins/broker'
import {
  CodeHosts,
  type CodeHostsOptions,
  codeCatalog,
  dispatches,
  runCompactions,
  runRequests,
} from '@reins/code-host'
import { Definitions } from '@reins/context'
import {
  type BudgetLimits,
  type Labels,
  type PriceOf,
  type ResolvedSecrets,
  resolveSecretsVerb,
  runLimits,
  serviceSubject,
  varyVerb,
} from '@reins/contracts'
import { CallSlots, Holder, heapShare, memoryRoom, readingUntil } from '@reins/holder'
import { type FindAgentOptions, findAgent, type Journal, keepImages, type RegistryView } from '@reins/journal'
import type { Models } from '@reins/models'
import { learnNamed, type SecretsRedactor } from '@reins/secrets'
import { type Clock, Closing, type PausePoint, type Running } from '@reins/service'
import {
  type DelegationCeilings,
  defaultCeilings,
  defaultRetryPolicy,
  type RetryPolicy,
  traceIdNow,
} from '@reins/session'
import type { Log, Metrics } from '@reins/telemetry'
import {
  builtinCatalog,
  type Guard,
  memoryCatalog,
  outputSchemaProblem,
  type Sandbox,
  skillsCatalog,
} from '@reins/tools'
import { configOf } from './run/configs.ts'
import { runAgents } from './run/run-agents.ts'
import { runEnvironment } from './run/run-environment.ts'
import { varying } from './run/varying.ts'
import { executorMetrics } from './executor-metrics.ts'
import { DeltaPace } from './model-call/delta-pace.ts'
import { IgnoredFields } from './model-call/ignored-fields.ts'
import { KeptMedia } from './model-call/kept-media.ts'
import { maskedModels } from './model-call/masked-models.ts'
import { startQuotas } from './quota/shared-quotas.ts'
import { type ActorContext, SessionActor } from './session/session-actor.ts'

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
  /** Sessions that are worked on at once. */
  readonly concurrency: number
  /** Model calls in flight at once. */
  readonly modelCalls: number
  /** Of sessions at rest whose fold is kept. */
  readonly cacheBytes: number
  /** What one folded session may take in memory, about; one that takes more is put in quarantine. Absent: no limit. */
  readonly maxSessionBytes?: number
  readonly ackWaitMs: number
  readonly pauseAt: PausePoint
  /** Masks secrets in what models say; it learns those that agents name. */
  readonly redactor: SecretsRedactor
  /** What no definition exceeds when it delegates. */
  readonly ceilings?: DelegationCeilings
  /** What any session may use at most. Absent: as much as its own budget says. */
  readonly budgetCeiling?: BudgetLimits
  /** Whether a model call may go out together with its announcement. Absent: it may. */
  readonly earlyCalls?: boolean
  /** What models cost. Absent: no price is known. */
  readonly priceOf?: PriceOf
  readonly retries?: RetryPolicy
  /** Where code that decides for sessions runs. */
  readonly sandbox: Sandbox
  /** What that code may not see, whatever the sandbox shows. */
  readonly guard: Guard
  /** ms in which such code must come to its next operation. */
  readonly betweenMs?: number
  /** ms that a model call may go on after the service was told to stop, before it is handed over. */
  readonly drainMs?: number
  /** The consumer is gone for good: the process must end. */
  readonly fatal: (error: Error) => void
}

/** For secrets that are learnt in order to mask them: a call goes on without. */
const learnMs = 1500
/** ms in which the registry must have run an initializer. */
const configureWithinMs = 8_000
const varyWithinMs = 5_000
/** Sessions that wait for a provider here; what comes beyond stays with the broker. */
const mostThrottled = 1_000
/** ms in which a project that was deployed just now is known here. */
const knownWithinMs = 500

export async function start(config: ExecutorConfig): Promise<Running> {
  const { broker, journal, clock, log, labels, ackWaitMs, instance } = config
  const closing = new Closing()
  const stopping = new AbortController()
  const reading = readingUntil(stopping.signal)
  const metrics = executorMetrics(config.metrics)
  const slots = new CallSlots({ most: config.modelCalls, room: memoryRoom(clock.now, heapShare), now: clock.now })

  const { quotas, close: closeQuotas } = startQuotas(broker, {
    ...{ instance, clock: clock.now, metrics: metrics.quotas },
    sharers: () => holder.presence.sharers(),
  })
  closing.add('quotas', async () => closeQuotas())

  const ignored = new IgnoredFields(log)
  // A broker that is away for longer than one question must not fail a turn.
  const finding: FindAgentOptions = {
    registry: {
      agent: (name) => config.registry.agent(name),
      agentFresh: (name) => reading(() => config.registry.agentFresh(name)),
      version: (digest) => reading(() => config.registry.version(digest)),
      codeAgent: (name) => config.registry.codeAgent(name),
    },
    call: (subject, request, withinMs) => callService(broker, subject, request, withinMs),
    ...{ knownWithinMs, configureWithinMs },
  }
  const definitions = new Definitions({ version: (digest) => reading(() => config.registry.version(digest)) }, [
    builtinCatalog,
    codeCatalog,
    memoryCatalog,
    skillsCatalog,
  ])
  const redactorOf = maskedModels({
    ...{ redactor: config.redactor, definitions },
    learnNamed: learnNamed({
      resolve: (request) =>
        callService<ResolvedSecrets>(broker, serviceSubject('registry', resolveSecretsVerb), request, learnMs),
      learnt: (values) => config.redactor.learn(values),
      now: clock.now,
      missed: (digest, why) =>
        log.warn({ digest, why }, 'the secrets that an agent names cannot be learnt now, in order to mask them'),
    }),
  })
  const hosts = new CodeHosts({
    ...{ sandbox: config.sandbox, guard: config.guard },
    textOf: async (digest) => {
      const bytes = await journal.bundles.get(digest)
      return bytes && Buffer.from(bytes).toString('utf8')
    },
  } satisfies CodeHostsOptions)
  closing.add('code', () => hosts.close())
  /** For logs: from a line to its trace. */
  const traceOf = (session: string): { readonly trace_id?: string } => {
    const folded = holder.knownActor(session)?.fold.session
    const traceId = folded && traceIdNow(folded)
    return traceId === undefined ? {} : { trace_id: traceId }
  }
  const context: ActorContext = {
    instance,
    sessions: journal.sessions,
    feed: journal.feed,
    timers: journal.timers,
    work: journal.work,
    snapshots: journal.snapshots,
    mostBytes: config.maxSessionBytes,
    definitions,
    registry: {
      agentFresh: (name) => reading(() => config.registry.agentFresh(name)),
      version: (digest) => reading(() => config.registry.version(digest)),
      codeWorkflow: (name) => config.registry.codeWorkflow(name),
    },
    ceilings: config.ceilings ?? defaultCeilings,
    budgetCeiling: config.budgetCeiling ?? {},
    priceOf: config.priceOf ?? (() => undefined),
    earlyCalls: config.earlyCalls ?? true,
    models: config.models,
    clock,
    metrics,
    ackWaitMs,
    followAfterMs: 100,
    retries: config.retries ?? defaultRetryPolicy,
    stopping: stopping.signal,
    pauseAt: config.pauseAt,
    redactorOf,
    media: new KeptMedia(journal.outputs),
    deltaPace: new DeltaPace(),
    slots,
    quotas,
    reading,
    runs: {
      hosts,
      config: configOf(broker, config.registry),
      environment: runEnvironment({
        broker,
        resolve: (request) =>
          callService<ResolvedSecrets>(broker, serviceSubject('registry', resolveSecretsVerb), request, learnMs),
        learnt: (values) => config.redactor.learn(values),
      }),
      dispatch: dispatches({
        call: (subject, request, withinMs) => callService(broker, subject, request, withinMs),
        mask: (value) => config.redactor.json(value),
      }),
      compact: runCompactions((subject, request, withinMs) => callService(broker, subject, request, withinMs)),
      request: runRequests((subject, request, withinMs) => callService(broker, subject, request, withinMs)),
      vary: varying((request) => callService(broker, serviceSubject('registry', varyVerb), request, varyWithinMs)),
      agent: runAgents((asked) => findAgent(finding, asked)),
      keepImages: (child, images) => keepImages(journal.outputs, child, images),
      schemaProblem: async (schema) => (await outputSchemaProblem(schema))?.message,
      now: clock.now,
      networkAllowed: config.sandbox.networkAllowed,
      betweenMs: config.betweenMs ?? runLimits.betweenMs,
      log: (session, { level, message, attributes }) =>
        log[logLevel(level)](
          { ...config.redactor.json({ session, attributes }), ...traceOf(session) },
          config.redactor.text(message),
        ),
    },
    presence: () => holder.presence,
    folded: (session) => holder.knownActor(session)?.fold,
    servesPool: (pool) => pool !== undefined && holder.serves(pool),
    report(session, error) {
      if (stopping.signal.aborted) return
      metrics.failures.inc()
      log.error(
        { session, ...traceOf(session), err: error },
        'a step of a session failed in the executor; it will be tried again',
      )
    },
    ignored: (model, names) => ignored.note(model, names),
    appended: ({ id, born }, events, at) => metrics.appended(id, born?.model ?? 'unknown', events, at),
    changed: (actor) => holder.changed(actor),
  }

  const holder = new Holder<SessionActor>({
    service: 'executor',
    ...{ instance, labels, ackWaitMs, clock, stopping, cacheBytes: config.cacheBytes },
    work: journal.work,
    presence: (options) => startPresence(broker, { ...options, models: () => config.models.providers() }),
    actor: (session) => new SessionActor(session, context),
    workSlots: config.concurrency,
    takes: true,
    queue: {
      full: () => slots.full() || quotas.waiting >= mostThrottled,
      get waiting() {
        return slots.waiting + quotas.waiting
      },
      queued: () => [...slots.queued(), ...quotas.queued()].sort((a, b) => a.since - b.since),
      serve: () => slots.serve(),
    },
    shares: () => quotas.settled(),
    calls: () => ({ slots: slots.most, busy: slots.taken }),
    drainMs: config.drainMs ?? 150,
    on: {
      serving: (pool) => log.info({ pool }, 'serving a pool'),
      missed: (error) => log.warn({ err: error }, 'could not look for new pools'),
      odd: (error) => log.error({ err: error }, 'a trigger cannot be taken; it comes again'),
      gone: (gone, calls) => log.warn({ instance: gone, calls }, 'an executor is gone; taking its calls over'),
      beat() {
        metrics.slots(config.concurrency, slots.most)
        metrics.busy.set(holder.busy)
        metrics.calls.set(slots.taken)
        metrics.queued.set(slots.waiting)
        metrics.queuedOldest.set(slots.oldestMs() / 1000)
        metrics.quotas.states(quotas.states())
      },
    },
    fatal: config.fatal,
    flush: () => broker.nc.flush(),
  })
  closing.add('sessions', () => holder.close())
  await holder.start()
  return closing
}

const logLevel = (level: string): 'debug' | 'info' | 'warn' | 'error' =>
  level === 'debug' || level === 'warn' || level === 'error' ? level : 'info'
