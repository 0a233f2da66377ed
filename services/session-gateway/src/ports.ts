// What the gateway needs of the rest of the system, all of it handed in: see service.ts for what is made of it.

import { type Broker, callService, type Handler, listen, serveRequests } from '@reins/broker'
import type { Settings } from '@reins/context'
import {
  type AgentDefinition,
  type BudgetLimits,
  type DecisionSignature,
  decodeHeartbeat,
  type Health,
  type Heartbeat,
  heartbeatFilter,
  type JsonObject,
  type ModelProviders,
  type PinnedTool,
  type PriceOf,
  type ReinsError,
  type Reply,
  type ServiceVerb,
} from '@reins/contracts'
import type {
  IdempotencyStore,
  OutputStore,
  RegistryView,
  SessionFeed,
  SessionLog,
  Snapshots,
  Subscription,
  WorkQueue,
} from '@reins/journal'
import type { Redactor } from '@reins/secrets'
import type { Clock } from '@reins/service'
import type { DelegationCeilings } from '@reins/session'
import type { Log, Metrics } from '@reins/telemetry'
import type { AuditSource } from './api/access/audit.ts'
import type { Identities } from './api/access/identities.ts'
import type { GatewaySettings } from './config.ts'
import type { AppHosts } from './doors/apps/app-door.ts'
import type { LookAtSendQueues } from './streams/readers/send-queues.ts'

export type Registry = Pick<
  RegistryView,
  | 'agent'
  | 'agentFresh'
  | 'codeAgent'
  | 'version'
  | 'token'
  | 'tokens'
  | 'role'
  | 'roles'
  | 'principal'
  | 'principals'
  | 'waitFor'
  | 'project'
  | 'projects'
  | 'codeWorkflow'
  | 'webhooks'
>
export type Pools = Pick<WorkQueue, 'ensurePool' | 'pools' | 'backlog'>
export type CallService = <T>(subject: string, request: unknown, withinMs?: number) => Promise<Reply<T>>
export type PresenceService = 'executor' | 'tool-runner'
/** Calls `on` for every heartbeat that is heard, until closed. */
export type Heartbeats = (on: (service: PresenceService, heartbeat: Heartbeat) => void) => Subscription

/** Serves what other services ask of gateways; the caller closes it. */
export type ServeServices = (
  handlers: Readonly<Record<ServiceVerb<'session-gateway'>, Handler>>,
  failed: (verb: string, error: unknown) => void,
  /** In the place of `<gateway>`. */
  instance: string,
) => Subscription

/** Whether what is asked for can be written now. Every answer is known already: nothing here waits. */
export interface Admission {
  /** Why nothing can be appended; undefined: it can, as far as anybody knows. */
  writes(): ReinsError | undefined
  /** The same for the start of a session. */
  newSessions(): ReinsError | undefined
  /** Calls when appends become impossible, until closed. */
  onObstacle(on: () => void): Subscription
}

export interface GatewayConfig extends GatewaySettings {
  /** Where apps of projects run, beside this process. Absent: their addresses are not served here. */
  readonly apps?: AppHosts
  /** Masks secrets in what apps of projects say, and is told each one that an app is given. Absent: apps are given no values. */
  readonly redactor?: Redactor & { learn(secrets: Iterable<string>): void }

  readonly sessions: SessionLog
  /** Sessions that this process could not read, because what the archive holds of them is not what was put there. Absent: none. */
  readonly unreadable?: () => readonly string[]
  readonly feed: SessionFeed
  /** Of executors. Absent: a state is folded from the first frame on. */
  readonly snapshots?: Pick<Snapshots, 'read'>
  readonly work: Pools
  readonly registry: Registry
  readonly idempotency: IdempotencyStore
  readonly outputs: Pick<OutputStore, 'get' | 'put'>
  readonly call: CallService
  /** Absent: no other service asks this gateway. */
  readonly serve?: ServeServices
  readonly heartbeats: Heartbeats
  /** Executors and tool-runners of this process, which append to the same journal. Absent: there are none. */
  readonly instancesHere?: readonly string[]
  /** Whose models an executor of this process can call. Absent: there is none. */
  readonly modelsHere?: ModelProviders | undefined
  /** A definition's tools, as a session's start records them. */
  readonly toolsOf: (definition: AgentDefinition) => Promise<readonly PinnedTool[]>
  /** What no definition exceeds when it delegates. Absent: the ceilings of the product. */
  readonly ceilings?: DelegationCeilings
  /** What any session may use at most. Absent: as much as its own budget says. */
  readonly budgetCeiling?: BudgetLimits
  /** What models cost. Absent: whoever calls them finds out. */
  readonly priceOf?: PriceOf
  /** What a pinned definition, by its digest, means for model calls. */
  readonly settingsOf: (digest: string) => Promise<Settings>
  /** Why these arguments are not what the tool takes; undefined: they are. Absent: the tool-runner alone checks them. */
  readonly argumentsProblem?: (
    definition: AgentDefinition,
    tool: string,
    args: Readonly<Record<string, unknown>>,
  ) => Promise<string | undefined>
  /** Why answers cannot be held against this schema, and where in it (`path`); undefined: they can. Absent: nobody checks schemas. */
  readonly outputSchemaProblem?: (
    schema: JsonObject,
  ) => Promise<{ readonly path: string; readonly message: string } | undefined>
  /** Asked before the tokens of the registry, one after the other (api/access/identities.ts). Absent: those tokens alone. */
  readonly identities?: readonly Identities[]
  /** What the audit is read from. Absent: there is none. */
  readonly audit?: AuditSource
  /** Signs decisions of people. Absent: this gateway has no key. */
  readonly sign?: (text: string) => DecisionSignature
  /** What `/health` says: always answered with 200, whatever is wrong. */
  readonly health: () => Health
  /** Absent: whatever comes is tried. */
  readonly admission?: Admission
  /** What keeps this process from serving requests now; nothing: `/ready` answers 200. */
  readonly notReady?: () => readonly string[]
  /** What the system holds of each connection for its reader; the system's own word where none is given. */
  readonly sendQueues?: LookAtSendQueues
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** Made new at each start. */
  readonly instance: string
}

const ofInstance = (handlers: Readonly<Record<string, Handler>>, instance: string): Record<string, Handler> =>
  Object.fromEntries(Object.entries(handlers).map(([verb, handler]) => [verb.replace('<gateway>', instance), handler]))

/** The ports that are plain requests and subscriptions, over the process's connection. */
export function brokerPorts(broker: Broker): {
  readonly call: CallService
  readonly serve: ServeServices
  readonly heartbeats: Heartbeats
} {
  return {
    serve: (handlers, failed, instance) =>
      serveRequests(broker, 'session-gateway', ofInstance(handlers, instance), failed),
    call: (subject, request, withinMs) => callService(broker, subject, request, withinMs),
    heartbeats: (on) => {
      const services: readonly PresenceService[] = ['executor', 'tool-runner']
      const subscriptions = services.map((service) =>
        listen(broker, heartbeatFilter(service), (msg) => {
          const heartbeat = decodeHeartbeat(msg.string())
          if (heartbeat) on(service, heartbeat)
        }),
      )
      return {
        close: () => {
          for (const subscription of subscriptions) subscription.close()
        },
      }
    },
  }
}
