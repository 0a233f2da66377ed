// The registry: agents, their versions and tokens in REG; lists in Postgres.
//   S1. What is written and what is read by name needs REG alone; Postgres may be away, also at the start.
import type { Broker } from '@reins/broker'
import type { ReinsError } from '@reins/contracts'
import { healthOf, openDatabase } from '@reins/projection'
import { type Clock, Closing, type Running } from '@reins/service'
import type { Log, Metrics } from '@reins/telemetry'
import { Agents } from './agents.ts'
import { Lists } from './lists.ts'
import { serveRegistry } from './nats.ts'
import { runProjection } from './projection.ts'
import { registryLog } from './registry-log.ts'
import type { Tables } from './tables.ts'
import { type BootstrapToken, ensureTokens } from './tokens.ts'

export interface RegistryConfig {
  /** Stays the caller's to close. The stream REG must be there. */
  readonly broker: Broker
  readonly databaseUrl: string | undefined
  readonly log: Log
  readonly clock: Clock
  readonly metrics: Metrics
  /** Why nothing may be written now; undefined: it may. */
  readonly full?: () => ReinsError | undefined
  readonly bootstrapTokens: readonly BootstrapToken[]
  /** Providers of models that are configured; without, a definition may name any. */
  readonly knownProviders?: readonly string[]
}

export interface RunningRegistry extends Running {
  /** Part by part: ok, or what is wrong with it. */
  health(): Record<string, string>
}

/** Resolves when requests are served. Rejects with BrokerUnavailable when REG cannot be reached. */
export async function start(config: RegistryConfig): Promise<RunningRegistry> {
  const { broker, databaseUrl, log, clock, metrics, bootstrapTokens, knownProviders } = config
  const closing = new Closing()
  const registry = registryLog(broker, { random: clock.random })
  await ensureTokens(registry, bootstrapTokens, clock)
  const agents = new Agents({ log: registry, clock, ...(knownProviders === undefined ? {} : { knownProviders }) })

  const db = databaseUrl === undefined ? undefined : openDatabase<Tables>(databaseUrl)
  if (db) closing.add('database', () => db.destroy())
  const projection = db && runProjection({ broker, db, log })
  if (projection) {
    closing.add('projection', () => projection.close())
    const following = metrics.gauge('reins_registry_projection_following', '1 while the lists follow the registry.')
    following.set(0)
    const sample = setInterval(() => following.set(projection.state().kind === 'following' ? 1 : 0), 5000)
    sample.unref()
    closing.add('metrics', () => clearInterval(sample))
  }

  const { full = () => undefined } = config
  const served = serveRegistry({ broker, agents, lists: new Lists(db, projection), full, log })
  closing.add('requests', () => served.close())
  return {
    close: (options) => closing.close(options),
    health: () => ({
      registry: broker.connected() ? 'ok' : 'no connection to the broker',
      lists: healthOf(projection?.state()),
    }),
  }
}
