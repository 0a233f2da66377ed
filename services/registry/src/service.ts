// The registry: agents, their versions, tokens, secrets and configs in REG; lists of agents in Postgres.
//   S1. What is written and what is read by name needs REG alone; Postgres may be away, also at the start.
import { randomBytes } from 'node:crypto'
import { type Broker, lastMessage, untilAnswered } from '@reins/broker'
import {
  allSessionsFilter,
  type ErrorCode,
  makeShortId,
  type PriceOf,
  ReinsError,
  type SessionStreams,
} from '@reins/contracts'
import type { BundleStore } from '@reins/journal'
import { healthOf, openDatabase } from '@reins/projection'
import type { KeyStore, RandomBytes } from '@reins/secrets'
import { type Clock, Closing, type PausePoint, type Running } from '@reins/service'
import type { Log, Metrics } from '@reins/telemetry'
import { AccessEntries } from './access/access.ts'
import { type BootstrapToken, ensureTokens } from './access/bootstrap-tokens.ts'
import { Agents } from './agents.ts'
import { Bundles, type BundlesOptions, noCode } from './code/bundles.ts'
import { DevelopmentBuilds } from './development/development-builds.ts'
import { NeededBuildsReader } from './development/needed-builds.ts'
import { serveRegistry } from './nats.ts'
import { Lists } from './projection/lists.ts'
import { runProjection } from './projection/projection.ts'
import type { Tables } from './projection/tables.ts'
import { Configurations, type RunInitializer } from './projects/configurations.ts'
import { Projects } from './projects/projects.ts'
import { registryLog } from './registry-log.ts'
import { sealRecords } from './sealing.ts'
import { Configs } from './values/configs.ts'
import { Keys } from './values/keys.ts'
import { Secrets } from './values/secrets.ts'
import { Webhooks } from './values/webhooks.ts'

export interface RegistryConfig {
  /** Stays the caller's to close. The stream REG must be there. */
  readonly broker: Broker
  /** That hold the sessions, as openJournal found or made them. */
  readonly sessionStreams: SessionStreams
  readonly databaseUrl: string | undefined
  /** Never rejects. Until it resolves, the database is as one that is away. Default: it is ready. */
  readonly databaseReady?: Promise<unknown>
  readonly log: Log
  readonly clock: Clock
  readonly metrics: Metrics
  /** Why nothing may be written now; undefined: it may. */
  readonly full?: () => ReinsError | undefined
  readonly bootstrapTokens: readonly BootstrapToken[]
  /** Providers of models that are configured; without, a definition may name any. */
  readonly knownProviders?: readonly string[]
  /** Of models; without, nobody is warned of prices that are not known. */
  readonly priceOf?: PriceOf
  /** The keys of secrets, and what their encryption draws from. Absent: no secret can be kept here. */
  readonly secrets?: { readonly keys: KeyStore; readonly random: RandomBytes }
  /** Where code that comes with a definition is kept, and what loads it once, to learn its tools. Absent: none is taken here. */
  readonly code?: Pick<BundlesOptions, 'describe' | 'full'> & {
    readonly store: BundleStore
    readonly initialize?: RunInitializer
  }
  readonly pauseAt?: PausePoint
  /** Whether webhooks may go to addresses that are not public. Default: no. */
  readonly allowPrivateWebhooks?: boolean
}

export interface RunningRegistry extends Running {
  /** Part by part: ok, or what is wrong with it. */
  health(): Record<string, string>
}

/** Resolves when requests are served. Rejects with BrokerUnavailable when REG cannot be reached. */
export async function start(config: RegistryConfig): Promise<RunningRegistry> {
  const { broker, databaseUrl, log, clock, metrics, bootstrapTokens, knownProviders, pauseAt } = config
  const closing = new Closing()
  const registry = registryLog(broker, { random: clock.random })
  await untilAnswered(() =>
    sealRecords({ broker, log: registry, say: log, ...(pauseAt === undefined ? {} : { pauseAt }) }),
  )
  await untilAnswered(() => ensureTokens(registry, bootstrapTokens, clock))
  const bundles = new Bundles({
    log: registry,
    ...(config.code ?? noCode),
    ...(pauseAt === undefined ? {} : { pauseAt }),
  })
  // What cannot be looked up now is no reason to warn.
  const values = {
    hasSecret: (name: string) => isThere(secrets.get(name), 'secret_not_found'),
    hasConfig: (name: string) => isThere(configs.get(name), 'config_not_found'),
  }
  const { code } = config
  const reader = new NeededBuildsReader(broker, config.sessionStreams)
  const builds =
    code &&
    new DevelopmentBuilds({
      ...{ log: registry, store: code.store, needed: () => reader.read() },
      failed: (error) => log.warn({ err: error }, 'builds of reins dev that nobody needs could not be removed now'),
      ...(pauseAt === undefined ? {} : { pauseAt }),
    })
  if (builds) closing.add('clean-up of builds', () => builds.close())
  const projects = new Projects({ log: registry, clock, bundles, values, developed: () => builds?.cleanSoon() })
  const configurations = new Configurations({
    ...{ log: registry, clock, bundles, run: config.code?.initialize },
    bytes: config.code && ((digest) => config.code?.store.get(digest) ?? Promise.resolve(undefined)),
    known: () => agents,
    config: (name) => configs.find(name),
  })
  const agents = new Agents({
    ...{ log: registry, clock, bundles, projects },
    ...(pauseAt === undefined ? {} : { pauseAt }),
    ...(knownProviders === undefined ? {} : { knownProviders }),
    values: {
      ...values,
      ...(config.priceOf === undefined ? {} : { priceOf: config.priceOf }),
    },
  })

  const db =
    databaseUrl === undefined
      ? undefined
      : openDatabase<Tables>(databaseUrl, { derived: true, ready: config.databaseReady })
  if (db) closing.add('database', () => db.destroy())
  const projection = db && runProjection({ broker, db, log })
  if (projection) {
    closing.add('projection', () => projection.close())
    const following = metrics.gauge('reins_registry_projection_following')
    following.set(0)
    const sample = setInterval(() => following.set(projection.state().kind === 'following' ? 1 : 0), 5000)
    sample.unref()
    closing.add('metrics', () => clearInterval(sample))
  }

  const { now } = clock
  const keys = new Keys(config.secrets?.keys, config.secrets?.random ?? randomBytes)
  const webhooks = new Webhooks({
    ...{ log: registry, keys, now, allowPrivate: config.allowPrivateWebhooks ?? false },
    makeId: () => makeShortId(clock.random, 12),
    sessionsAt: () => endsOf(broker, config.sessionStreams),
  })
  const secrets = new Secrets({
    ...{ log: registry, keys, now },
    beside: [webhooks.wrapped()],
    ...(pauseAt ? { pauseAt } : {}),
  })
  const configs = new Configs({ log: registry, now })
  const look = async (): Promise<void> => {
    const problem = await secrets.problem()
    if (problem !== undefined && problem !== secretsProblem) log.error({ problem }, 'some secrets cannot be read')
    secretsProblem = problem
  }
  let secretsProblem: string | undefined
  await untilAnswered(look)
  const looking = setInterval(() => void look().catch(() => undefined), 30_000)
  looking.unref()
  closing.add('look at secrets', () => clearInterval(looking))

  const { full = () => undefined } = config
  const served = serveRegistry({
    broker,
    agents,
    configurations,
    projects,
    lists: new Lists(db, projection),
    secrets,
    configs,
    webhooks,
    access: new AccessEntries({ log: registry, now }),
    full,
    log,
  })
  closing.add('requests', () => served.close())
  // The server knows of the subscriptions then: a request that comes now finds somebody. After a lost connection the client says them again.
  await broker.nc.flush().catch(() => undefined)
  return {
    close: (options) => closing.close(options),
    health: () => ({
      registry: broker.connected() ? 'ok' : 'no connection to the broker',
      lists: healthOf(projection?.state()),
      ...(secretsProblem === undefined ? {} : { secrets: secretsProblem }),
    }),
  }
}

const isThere = (looked: Promise<unknown>, missing: ErrorCode): Promise<boolean> =>
  looked.then(
    () => true,
    (error) => !(error instanceof ReinsError && error.code === missing),
  )

/** As the entry of a webhook says it. */
async function endsOf(broker: Broker, { names }: SessionStreams) {
  const ends = await Promise.all(
    names.map(
      async (name): Promise<[string, number]> => [
        name,
        (await lastMessage(broker, name, allSessionsFilter, { leader: true }))?.seq ?? 0,
      ],
    ),
  )
  return ends.length === 1 ? { after: ends[0]?.[1] ?? 0 } : { after: 0, places: Object.fromEntries(ends) }
}
