// One process's services over one connection to the broker, and one for deltas: all five for `reins up`, one for `reins service <name>`.
// The code of a service is loaded where it runs, and nowhere else.
import { randomBytes } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { type Broker, connectBroker, leadersWithinMs } from '@reins/broker'
import { CodeHosts, codeCatalog, describeBundle, Initializers } from '@reins/code-host'
import { Definitions } from '@reins/context'
import {
  type DecisionSignature,
  type Health,
  makeShortId,
  type Seals,
  type ServiceName,
  type SessionStreams,
  sessionStreamsOf,
} from '@reins/contracts'
import { type Journal, openIdempotency, openJournal, type RegistryView, watchRegistry } from '@reins/journal'
import type { RunningMemory } from '@reins/memory'
import { createEmbedder, createModels, type Models, scriptedModels } from '@reins/models'
import type { KeyStore, SecretsRedactor } from '@reins/secrets'
import { type Clock, Closing, pausePoints, type Running } from '@reins/service'
import { type Log, Metrics } from '@reins/telemetry'
import {
  argumentsProblem,
  builtinCatalog,
  describeSandbox,
  detectSandbox,
  memoryCatalog,
  outputSchemaProblem,
  type Sandbox,
  skillsCatalog,
  toolsAtStart,
} from '@reins/tools'
import { archiveOf } from './archive.ts'
import { type LocalConfig, ownWorkspaces } from './config.ts'
import { spoolFolder } from './data/spool-folder.ts'
import { evidence } from './evidence.ts'
import { agentFolders, guardOf, withoutLinks } from './guard.ts'
import { serveMetrics } from './metrics-server.ts'
import { modelPrices } from './model-prices.ts'
import { pausingAppends } from './pausing-appends.ts'
import { restartOnSplit } from './restart-on-split.ts'
import { type ServerStates, stateText } from './servers/server-state.ts'
import { watchStorage } from './storage-watch.ts'
import { watchStreamSizes } from './stream-sizes.ts'

export interface PartsOptions {
  readonly config: LocalConfig
  readonly names: readonly ServiceName[]
  readonly natsUrl: string
  /** undefined: there is none, and the service keeps no lists. */
  readonly databaseUrls: Readonly<Partial<Record<ServiceName, string>>>
  /** Never rejects. Until it resolves, whoever asks the database waits as for one that is away; absent: it is ready. */
  readonly databaseReady?: Promise<unknown>
  /** Folders that no tool may see: absolute, symlinks resolved. */
  readonly masked: readonly string[]
  /** Of secrets, for the registry; undefined: it can keep none. */
  readonly keys: KeyStore | undefined
  /** What this process signs and checks. */
  readonly seals: Seals
  /** Signs decisions of people, for the gateway; undefined: they are not signed. */
  readonly sign: ((text: string) => DecisionSignature) | undefined
  readonly adminTokenHash: string | undefined
  /** Masks secrets in what is recorded; its log uses the same one. */
  readonly redactor: SecretsRedactor
  readonly version: string
  readonly clock: Clock
  readonly log: Log
  readonly logLost?: () => number
  /** Of the embedded servers below. */
  readonly servers?: () => ServerStates
  /** The folder whose disk the embedded servers fill; undefined: they are elsewhere. */
  readonly diskOf?: string
  /** What was begun earlier (prepareParts); absent: nothing. */
  readonly prepared?: PreparedParts
  /** The broker as the archivist's user; absent: as this process's own. */
  readonly archivistUrl?: string | undefined
  /** A part ended by itself: the process must go. */
  readonly fatal: (error: Error) => void
  readonly sayPaused: (line: string) => void
}

export interface RunningParts extends Running {
  readonly broker: Broker
  readonly models: Models
  readonly registry: RegistryView
  /** Of the gateway; undefined when it is not among the services. */
  readonly url: string | undefined
  readonly metrics: Metrics
  health(): Health
}

/** The code of services, by name: each is loaded where it runs. */
const code = {
  registry: () => import('@reins/registry'),
  memory: () => import('@reins/memory'),
  'tool-runner': () => import('@reins/tool-runner'),
  executor: () => import('@reins/executor'),
  'session-gateway': () => import('@reins/session-gateway'),
} satisfies Record<ServiceName, () => Promise<unknown>>

export interface PreparedParts {
  readonly sandbox: Promise<Sandbox>
}

/** Loads the code of services, and looks for a sandbox, while the servers start. What fails here fails again when the parts start. */
export function prepareParts(config: LocalConfig, names: readonly ServiceName[]): PreparedParts {
  const sandbox = sandboxOf(config)
  sandbox.catch(() => {})
  for (const name of names) code[name]().catch(() => {})
  return { sandbox }
}

const sandboxOf = (config: LocalConfig): Promise<Sandbox> =>
  detectSandbox({
    allowUnsandboxed: config.allowUnsandboxedShell,
    allowNetwork: config.allowShellNetwork,
    ...(config.shellMemoryMb === 0 ? {} : { memoryBytes: config.shellMemoryMb * 1024 ** 2 }),
    programs: [path.dirname(process.execPath)],
  })

export async function startParts(options: PartsOptions): Promise<RunningParts> {
  const { names, log } = options
  const closing = new Closing()
  try {
    return await start(options, closing)
  } catch (error) {
    log.error({ err: error, services: names }, 'could not start')
    await closing.close({ withinMs: 5000 })
    throw error
  }
}

async function start(options: PartsOptions, closing: Closing): Promise<RunningParts> {
  const { config, names, clock, log, fatal } = options
  const metrics = new Metrics({ process: true })
  const broker = await connectBroker({
    url: options.natsUrl,
    name: `reins ${names.length > 1 ? 'up' : names[0]}`,
    seals: options.seals,
    withinMs: 15_000,
    cluster: config.replicas > 1,
  })
  closing.add('broker', () => broker.close())
  // Deltas have a connection of their own: whoever falls behind them is cut there, and appends and acks go on.
  const live = await connectBroker({
    url: options.natsUrl,
    name: `reins ${names.length > 1 ? 'up' : names[0]} deltas`,
    echo: false,
    withinMs: 15_000,
  })
  closing.add('connection for deltas', () => live.close())
  // So have readings of sessions: an old one takes the broker a while, and appends do not wait for it.
  const reads = await connectBroker({
    url: options.natsUrl,
    name: `reins ${names.length > 1 ? 'up' : names[0]} reading`,
    seals: options.seals,
    withinMs: 15_000,
    cluster: config.replicas > 1,
  })
  closing.add('connection for reading', () => reads.close())
  let closed = false
  closing.add('closed', () => {
    closed = true
  })
  for (const connection of [broker, live, reads])
    void connection.closed().then((error) => {
      if (!closed) fatal(error ?? new Error('the connection to the broker was closed'))
    })
  const spool = spoolFolder(existsSync(config.dataDir) ? realpathSync(config.dataDir) : undefined)
  closing.add('spool', async () => spool.remove())
  const masked = [...options.masked, ...spool.masked]
  const opened = await openJournal(broker, {
    ...{ live, reads, outputsFolder: spool.path },
    replicas: config.replicas,
    sessionStreams: config.sessionStreams,
    archived: config.archiveAfterMs !== undefined,
    ackWaitMs: config.ackWaitMs,
    now: clock.now,
  })
  const priceOf = modelPrices(config.pricesFile)
  const models = createModels(config.models)
  closing.add('models', () => models.close())
  const { redactor } = options
  const pauseAt = pausePoints(config.pauseAt, options.sayPaused)
  const instance = (service: ServiceName): string => `${service}-${makeShortId(clock.random, 10)}`
  // Its frames name the instance in `by`: so does its log.
  const logOf = (service: ServiceName, as: string): Log => log.child({ service, instance: as })
  const storage = await watchStorage({ ...options, broker, metrics, disk: config.disk }, closing)
  const journal: Journal = storage.watched(opened)
  const sessionsOf = (who: string) => pausingAppends(journal.sessions, config.pauseAt, pauseAt, who)
  const healths: (() => Record<string, string>)[] = []
  const has = (service: ServiceName): boolean => names.includes(service)
  const instancesHere: string[] = []

  let detected = options.prepared?.sandbox
  const sandboxHere = (): Promise<Sandbox> => {
    detected ??= sandboxOf(config)
    return detected
  }

  if (has('registry')) {
    const registry = await code.registry()
    let initializers: Promise<Initializers> | undefined
    const initializersHere = async () =>
      new Initializers({
        ...{ sandbox: await sandboxHere(), guard: guardOf(config, masked) },
        textOf: async (digest) => {
          const bytes = await journal.bundles.get(digest)
          return bytes && Buffer.from(bytes).toString('utf8')
        },
      })
    closing.add('initializers', async () => (await initializers)?.close())
    const running = await registry.start({
      broker,
      sessionStreams: journal.streams,
      databaseUrl: options.databaseUrls.registry,
      ...(options.databaseReady ? { databaseReady: options.databaseReady } : {}),
      log: log.child({ service: 'registry' }),
      clock,
      metrics,
      full: storage.full,
      ...(options.keys ? { secrets: { keys: options.keys, random: randomBytes } } : {}),
      pauseAt,
      allowPrivateWebhooks: config.allowPrivateWebhooks,
      priceOf,
      bootstrapTokens:
        options.adminTokenHash === undefined
          ? []
          : [{ hash: options.adminTokenHash, principal: 'admin', permissions: ['*'] }],
      code: {
        store: journal.bundles,
        full: storage.fullForCode,
        describe: async (bundle) =>
          describeBundle(bundle, { sandbox: await sandboxHere(), guard: guardOf(config, masked) }),
        initialize: async (asked) => {
          initializers ??= initializersHere()
          return (await initializers).run(asked)
        },
      },
      knownProviders: [
        'anthropic',
        'openai',
        'ollama',
        ...scriptedModels.map((model) => `scripted/${model}`),
        ...config.models.compatible.flatMap(
          ({ name, models: only }) => only?.map((model) => `${name}/${model}`) ?? [name],
        ),
      ],
    })
    closing.add('registry', () => running.close({ withinMs: 5000 }))
    healths.push(running.health)
  }
  const view = await watchRegistry(broker, ['agent', 'token', 'webhook', 'role', 'principal', 'project'], {
    withinMs: config.replicas > 1 ? leadersWithinMs : 15_000,
  })
  closing.add('registry view', () => view.close())

  let looked: (() => Pick<RunningMemory, 'archive' | 'unreadable'>) | undefined
  if (has('memory')) {
    const memory = await code.memory()
    const as = instance('memory')
    const embedder = createEmbedder(config.models)
    if (embedder) closing.add('embeddings', () => embedder.close())
    const traces = await tracesOf(options, closing)
    const archive = await archiveOf(options, { broker, journal }, closing)
    const startMemory = () => {
      const streams = sessionStreamsOf(journal.streams.names.length === 1 ? 1 : 4)
      return memory.start({
        broker,
        ...(archive === undefined ? {} : { archive }),
        sessions: sessionsOf('memory'),
        streams,
        timers: journal.timers,
        // Another process may append all the same: a memory finds that a little later.
        ...(appenders.every(has) ? { framesHere: framesIn(journal, streams) } : {}),
        webhooks: () => view.webhooks(),
        makers: view,
        allowPrivateWebhooks: config.allowPrivateWebhooks,
        ackWaitMs: config.ackWaitMs,
        room: storage.room,
        databaseUrl: options.databaseUrls.memory,
        ...(options.databaseReady ? { databaseReady: options.databaseReady } : {}),
        files: path.join(config.dataDir, 'memory'),
        ...(embedder ? { embedder } : {}),
        ...(traces ? { traces } : {}),
        full: storage.full,
        pauseAt,
        redactor,
        clock,
        log: logOf('memory', as),
        metrics,
        instance: as,
      })
    }
    const running = await restartOnSplit(journal, startMemory, fatal)
    closing.add('memory', () => running.close({ withinMs: 5000 }))
    healths.push(() => running.now().health())
    looked = () => running.now()
  }
  let sandboxText: string | undefined
  if (has('tool-runner')) {
    const toolRunner = await code['tool-runner']()
    const sandbox = await sandboxHere()
    const { kind, detail } = describeSandbox(sandbox)
    sandboxText = detail.startsWith(kind) ? detail : `${kind}: ${detail}`
    const as = instance('tool-runner')
    instancesHere.push(as)
    const running = await toolRunner.start({
      broker,
      journal,
      registry: view,
      clock,
      log: logOf('tool-runner', as),
      metrics,
      instance: as,
      labels: config.labels,
      concurrency: config.concurrency,
      waitingCalls: config.waitingCalls,
      ackWaitMs: config.ackWaitMs,
      pauseAt,
      workspaceRoot: withoutLinks(config.workspaceRoot),
      ownWorkspaces: config.ownWorkspaces === undefined ? undefined : agentFolders(config.ownWorkspaces),
      agentFolders: agentFolders(ownWorkspaces(config.dataDir)),
      allowNestedWorkspaces: config.allowNestedWorkspaces,
      spoolFolder: spool.path,
      skillFolders: path.join(config.dataDir, 'skills'),
      guard: guardOf(config, masked),
      sandbox,
      redactor,
      fatal,
    })
    closing.add('tool-runner', () => running.close({ withinMs: 5000 }))
  }
  if (has('executor')) {
    const executor = await code.executor()
    const as = instance('executor')
    instancesHere.push(as)
    const running = await executor.start({
      broker,
      journal,
      registry: view,
      models,
      clock,
      log: logOf('executor', as),
      metrics,
      instance: as,
      labels: config.labels,
      concurrency: config.concurrency,
      modelCalls: config.waitingCalls,
      earlyCalls: config.earlyModelCalls,
      cacheBytes: config.sessionCacheMb * 1024 * 1024,
      maxSessionBytes: config.gateway.limits.maxSessionBytes,
      ceilings: config.ceilings,
      budgetCeiling: config.budgetCeiling,
      priceOf,
      sandbox: await sandboxHere(),
      guard: guardOf(config, masked),
      ackWaitMs: config.ackWaitMs,
      pauseAt,
      redactor,
      fatal,
    })
    closing.add('executor', () => running.close({ withinMs: 5000 }))
  }

  const unreadable = () => [...new Set([...journal.unreadable(), ...(looked?.().unreadable() ?? [])])]
  const health = (): Health => {
    const parts: Record<string, string> = Object.assign(
      { broker: broker.connected() ? 'ok' : 'not connected' },
      storage.health(),
      mapped(options.servers?.() ?? {}, stateText),
      live.connected() ? {} : { deltas: 'not connected' },
      reads.connected() ? {} : { reading: 'not connected' },
      ...healths.map((of) => of()),
      evidence({ records: view.faults, pools: journal.work.unreadable(), sessions: unreadable() }),
    )
    const archive = looked?.().archive()
    const bad = Object.values(parts).some((state) => state !== 'ok')
    return {
      status: bad ? 'degraded' : 'ok',
      version: options.version,
      parts,
      ...(has('executor') ? { defaultModel: models.defaultModel().model } : {}),
      ...(sandboxText === undefined ? {} : { sandbox: sandboxText }),
      ...(archive ? { archive } : {}),
    }
  }

  let measure: () => Promise<void> = async () => undefined
  if (names.length === 1 && config.metricsPort !== undefined) {
    const { metricsPort: port, metricsHost: host } = config
    const at = await serveMetrics({ port, host, metrics, log, health, measure: () => measure() }, closing)
    log.info({ url: at }, 'metrics are served')
  }
  let url: string | undefined
  if (has('session-gateway')) {
    const gateway = await code['session-gateway']()
    const as = instance('session-gateway')
    await storage.watchAppends()
    healths.push(await watchStreamSizes(broker, journal.streams, metrics, closing))
    const definitions = new Definitions(view, catalogs)
    const sandbox = await sandboxHere()
    const hosts = new CodeHosts({
      ...{ sandbox, guard: guardOf(config, masked) },
      textOf: async (digest) => {
        const bytes = await journal.bundles.get(digest)
        return bytes && Buffer.from(bytes).toString('utf8')
      },
    })
    closing.add('app hosts', () => hosts.close())
    const running = await gateway.start({
      ...config.gateway,
      apps: { network: sandbox.networkAllowed, run: (bundle, call, signal) => hosts.run(bundle, call, signal) },
      redactor,
      sessions: sessionsOf('gateway'),
      feed: journal.feed,
      unreadable: journal.unreadable,
      snapshots: journal.snapshots,
      work: journal.work,
      outputs: journal.outputs,
      registry: view,
      idempotency: await openIdempotency(broker, { replicas: config.replicas, now: clock.now }),
      ...gateway.brokerPorts(broker),
      instancesHere,
      modelsHere: has('executor') ? models.providers() : undefined,
      toolsOf: (definition) => toolsAtStart(catalogs, definition),
      ceilings: config.ceilings,
      budgetCeiling: config.budgetCeiling,
      priceOf,
      settingsOf: (digest) => definitions.settings(digest),
      outputSchemaProblem,
      argumentsProblem: (definition, tool, args) => argumentsProblem(catalogs, definition, tool, args),
      audit: gateway.auditSource(broker, journal.streams),
      ...(options.sign ? { sign: options.sign } : {}),
      health,
      notReady: () => [
        ...(broker.connected() && reads.connected() ? [] : ['the broker is not connected']),
        ...storage.notReady(),
        // Sessions go on without Postgres.
        ...(options.servers?.()['nats-server']?.kind === 'sick' ? ['nats-server is sick: see /health'] : []),
      ],
      admission: storage.admission,
      clock,
      log: logOf('session-gateway', as),
      metrics,
      instance: as,
    })
    closing.add('session-gateway', () => running.close({ withinMs: 5000 }))
    url = running.url
    measure = running.measure
  }
  return { close: (closeOptions) => closing.close(closeOptions), broker, models, registry: view, url, metrics, health }
}

/** The exporter is loaded where there is somewhere to export to. */
async function tracesOf({ config, version, log }: PartsOptions, closing: Closing) {
  const { url, content, ...settings } = config.traces
  if (url === undefined) return undefined
  const { otlpSink } = await import('@reins/trace/otlp')
  const sink = otlpSink({ ...settings, url, version })
  closing.add('collector', () => sink.close())
  log.info({ url: new URL(url).origin }, 'spans are exported')
  return { sink, ...(content ? { content } : {}) }
}

/** Those that were appended to these streams: a sequence says nothing in others. */
const framesIn =
  (journal: Journal, { names }: SessionStreams): Journal['framesHere'] =>
  (on) =>
    journal.framesHere((frame) => {
      if (journal.streams.names.length === names.length) on(frame)
    })

/** Services that append to sessions. */
const appenders: readonly ServiceName[] = ['session-gateway', 'executor', 'tool-runner', 'memory']

const catalogs = [builtinCatalog, codeCatalog, memoryCatalog, skillsCatalog]

const mapped = <T, R>(values: Readonly<Record<string, T>>, to: (value: T) => R): Record<string, R> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, to(value)]))
