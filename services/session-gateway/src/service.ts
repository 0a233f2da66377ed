// The session gateway: the one door to the outside. It owns nothing; everything that it shows is read from the streams.
import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import {
  compactVerb,
  dispatchVerb,
  listensOnLoopback,
  makeShortId,
  type Project,
  serviceSubject,
} from '@reins/contracts'
import { type CloseReport, Closing, type Running } from '@reins/service'
import type { FastifyInstance } from 'fastify'
import { Attended } from './access/attended.ts'
import { CostlyRequests } from './access/costly.ts'
import { KnownBearers } from './access/known-bearers.ts'
import { type Credential, Leases } from './access/leases.ts'
import { oidcIdentities } from './access/oidc/identities.ts'
import { MakersSeen } from './access/oidc/makers-seen.ts'
import { Quotas } from './access/quotas.ts'
import { AccessAdmin } from './api/access/admin.ts'
import { auditPage } from './api/access/audit.ts'
import { Denials } from './api/access/denials.ts'
import { explain, whoAmI } from './api/access/explain.ts'
import { authenticate, registryTokens } from './api/access/identities.ts'
import { SessionAgents } from './api/access/session-agents.ts'
import { Agents, modelsOfProject } from './api/agents.ts'
import type { Api } from './api/api.ts'
import { Memories } from './api/memories.ts'
import { withQueues } from './api/operating/health.ts'
import { ModelBoard } from './api/operating/model-board.ts'
import { PoolGauges } from './api/operating/pool-gauges.ts'
import { PoolBoard } from './api/operating/pools.ts'
import { QueueBoard } from './api/operating/queue-board.ts'
import { SlowCalls } from './api/operating/slow-calls.ts'
import { Projects } from './api/projects.ts'
import { KeptOutputs } from './api/reads/kept-outputs.ts'
import { Prompts } from './api/reads/prompts.ts'
import { SessionFolds } from './api/reads/session-folds.ts'
import { SessionReads } from './api/reads/session-reads.ts'
import { SessionTrees } from './api/reads/session-trees.ts'
import { HeldRequests } from './api/runs/held-requests.ts'
import { Runs } from './api/runs/runs.ts'
import { Approvals } from './api/sessions/approvals.ts'
import { compactionOf } from './api/sessions/compactions.ts'
import { Elicitations } from './api/sessions/elicitations.ts'
import { ErasedSessions, Erasures } from './api/sessions/erasures.ts'
import { Forks } from './api/sessions/forks.ts'
import { SessionWrites } from './api/sessions/session-writes.ts'
import { Upgrades } from './api/sessions/upgrades.ts'
import { Values } from './api/values.ts'
import { Webhooks } from './api/webhooks.ts'
import { Appender } from './api/writes/appender.ts'
import { believedHead } from './api/writes/believed-head.ts'
import { AgentDoor } from './doors/apps/agent-door.ts'
import { AppDoor } from './doors/apps/app-door.ts'
import { AppValues } from './doors/apps/app-values.ts'
import { dispatchedFor, ofCompaction, ofRunRequest } from './doors/apps/dispatches.ts'
import { noteOfPlace } from './doors/apps/projects-here.ts'
import { RunDoor } from './doors/apps/run-door.ts'
import { addProjectSockets } from './doors/apps/sockets/project-sockets.ts'
import type { Route } from './doors/http/route.ts'
import { accessRoutes } from './doors/http/routes/access.ts'
import { agentRoutes } from './doors/http/routes/agents.ts'
import { approvalRoutes } from './doors/http/routes/approvals.ts'
import { auditRoutes } from './doors/http/routes/audit.ts'
import { elicitationRoutes } from './doors/http/routes/elicitations.ts'
import { executionRoutes } from './doors/http/routes/executions.ts'
import { memoryRoutes } from './doors/http/routes/memory.ts'
import { operationRoutes } from './doors/http/routes/operations.ts'
import { projectRoutes } from './doors/http/routes/projects.ts'
import { runRoutes } from './doors/http/routes/runs.ts'
import { sessionRoutes } from './doors/http/routes/sessions.ts'
import { signInRoutes } from './doors/http/routes/sign-in.ts'
import { usageRoutes } from './doors/http/routes/usage.ts'
import { valueRoutes } from './doors/http/routes/values.ts'
import { webhookRoutes } from './doors/http/routes/webhooks.ts'
import { addRoutes, createHttp, type HttpOptions } from './doors/http/server.ts'
import { acceptSockets, addSocketRoute } from './doors/socket/socket.ts'
import type { GatewayConfig } from './ports.ts'
import { fireSchedule } from './schedules/fire-schedule.ts'
import { Scheduler } from './schedules/scheduler.ts'
import { Refills } from './streams/answers/refills.ts'
import { lookInProc } from './streams/readers/send-queues.ts'
import { Streams } from './streams/streams.ts'

export interface RunningGateway extends Running {
  /** http://host:port, with the port that it really has. */
  readonly url: string
  /** Brings the metrics of pools up to date, for whoever reads them elsewhere than at its door. Never rejects. */
  measure(): Promise<void>
}

/** Resolves when it listens. What was handed in is not closed by it. */
export async function start(config: GatewayConfig): Promise<RunningGateway> {
  const { sessions, feed, clock, limits, metrics, log, registry } = config
  const closing = new Closing()
  const refused = metrics.counter('reins_gateway_appends_refused_total')
  const folds = new SessionFolds(sessions, {
    ...{ kept: limits.foldsKept, keptBytes: limits.foldsKeptBytes, mostBytes: limits.maxSessionBytes },
  })
  const quotas = new Quotas({ ...limits, streams: limits.streamsPerPrincipal }, () => clock.now())
  const appender = new Appender({
    sessions,
    now: () => clock.now(),
    withinMs: limits.appendWithinMs,
    headsKept: limits.headsKept,
    refused: () => refused.inc(),
    admission: config.admission,
    believed: (session, head) => believedHead(folds, session, head),
  })
  const queues = new QueueBoard(() => clock.now())
  const slow = new SlowCalls(() => clock.now())
  const stopping = new AbortController()
  setMaxListeners(0, stopping.signal)
  const refills = new Refills({ atOnce: limits.refillsAtOnce, spreadMs: 500, random: () => clock.random() })
  const access = new SessionAgents(sessions)
  const erased = new ErasedSessions(sessions)
  const denials = new Denials({
    now: () => clock.now(),
    record: async (entries) =>
      (await config.call(serviceSubject('registry', 'denials.record'), { denials: entries })).ok,
  })
  closing.add('denials', () => denials.close())
  const identities = [...(config.identities ?? []), ...oidcIdentities(config), registryTokens(registry)]
  const known = new KnownBearers({
    ...{ authenticate: (bearer) => authenticate(bearer, identities, registry, () => clock.now()), registry },
    ...{ wrongTokensPerMinute: limits.wrongTokensPerMinute, now: () => clock.now() },
  })
  const makers = new MakersSeen({ call: config.call, webhooks: () => registry.webhooks() })
  const leases = new Leases<Credential>({
    standing: (credential) => known.standing(credential),
    now: () => clock.now(),
    lookEveryMs: limits.leaseLookEveryMs,
  })
  const streams = new Streams(
    { access, erased, sessions, feed, appender, queues, slow, refills, now: () => clock.now() },
    limits,
    config.sendQueues ?? lookInProc,
    metrics,
    leases,
    quotas,
  )
  const models = new ModelBoard(() => clock.now(), config.modelsHere)
  const pools = new PoolBoard(config.work, config.heartbeats, () => clock.now(), [queues, slow, models])
  closing.add('heartbeats', () => pools.close())
  const instancesHere = new Set(config.instancesHere)
  const writersHere = () => instancesHere.size > 0 && pools.areAllOf(instancesHere)
  const agents = new Agents({ ...config, models })
  const writeParts = { ...config, access, erased, appender, folds, quotas, stopping: stopping.signal, writersHere }
  const writes = new SessionWrites(writeParts)
  const held = new HeldRequests({ now: () => clock.now() })
  const api: Api = {
    authenticate: async (token, address) => {
      const caller = await known.caller(token, address)
      makers.seen(caller)
      return caller
    },
    access: {
      admin: new AccessAdmin({ ...config, randomBytes }),
      whoAmI,
      audit: (caller, { since = clock.now() - 86_400_000, after, principal, ...request }) =>
        auditPage(caller, config.audit, { ...request, since, after, principal }),
      denied: (denial) => denials.note(denial),
      can: (caller, action, as) => explain(caller, action, as, registry),
    },
    agents,
    projects: new Projects(config),
    runs: new Runs({ ...writeParts, writes, call: config.call, held }),
    values: new Values({ ...config, agents }),
    writes,
    approvals: new Approvals({ ...config, access, writes, folds }),
    webhooks: new Webhooks({ ...config, access }),
    memories: new Memories({ ...config, makeOp: () => `person/${makeShortId(clock.random)}` }),
    elicitations: new Elicitations({ ...config, access, writes, folds }),
    erasures: new Erasures({ writes, folds, sessions, appender, call: config.call }),
    upgrades: new Upgrades({ ...config, writes, folds, appender }),
    forks: new Forks({ ...writeParts, writes, snapshots: config.snapshots }),
    reads: new SessionReads({
      access,
      unreadable: config.unreadable ?? (() => []),
      erased,
      sessions,
      snapshots: config.snapshots,
      appender,
      folds,
      queues,
      slow,
      pools,
      now: () => clock.now(),
      call: config.call,
    }),
    trees: new SessionTrees({
      ...{ access, sessions, feed, folds, queues, call: config.call },
      unreadable: config.unreadable ?? (() => []),
      stopWithinMs: Math.min(limits.turnWithinMs, 50_000),
    }),
    outputs: new KeptOutputs(sessions, config.outputs, access, erased),
    prompts: new Prompts({
      access,
      erased,
      sessions,
      snapshots: config.snapshots,
      folds,
      settingsOf: config.settingsOf,
    }),
    pools,
  }

  const door = new AgentDoor({ api, streams, now: () => clock.now() })
  const runs = new RunDoor({ api, streams })
  const apps =
    config.apps &&
    new AppDoor({
      ...{ hosts: config.apps, registry, door, log, runs, leases },
      ...(config.redactor ? { redactor: config.redactor, values: valuesOfApps(config, config.redactor) } : {}),
      now: () => clock.now(),
      answerMs: limits.appAnswerMs,
      rootProject: config.rootProject,
    })
  const options: HttpOptions = {
    ...(apps ? { apps } : {}),
    origins: { loopback: listensOnLoopback(config.host), ...config },
    api,
    signIn: config.oidc !== undefined,
    attended: new Attended(leases, quotas),
    costly: new CostlyRequests({ perMinute: limits.costlyRequestsPerMinute, now: () => clock.now() }),
    maxBodyBytes: limits.maxBodyBytes,
    requestWithinMs: limits.requestWithinMs,
    log,
    metrics,
  }
  const app = createHttp(options)
  closing.add('http', () => app.close())
  closing.add('streams', () => {
    stopping.abort()
    streams.close()
    leases.close()
  })
  const sockets = await acceptSockets(app, limits.heartbeatMs)
  const health = () => withQueues(config.health(), queues.all(), clock.now())
  if (apps) addProjectSockets(app, apps, door, runs, { maxSockets: limits.maxStreams, open: sockets })
  const noteOf = (project: Project, changed: boolean): readonly string[] => [
    ...(config.apps && changed ? noteOfPlace(registry, project, config.rootProject) : []),
    ...models.warningsOf(modelsOfProject(project)),
  ]
  const routes = addAll(app, { ...config, health }, api, streams, { ...options, noteOf })
  try {
    await app.listen({ host: config.host, port: config.port })
  } catch (error) {
    await closing.close({ withinMs: 1000 })
    throw cannotListen(error, config)
  }
  const url = urlOf(app, config.host)
  const scheduler = new Scheduler({
    projects: () => registry.projects(),
    fire: (project, schedule, key) => fireSchedule({ api, door, registry }, project, schedule, key),
    now: () => clock.now(),
    log,
  })
  const served = config.serve?.(
    {
      [dispatchVerb]: async (request) => ({ value: await dispatchedFor(door, registry, request, clock.now()) }),
      [compactVerb]: async (request) => ({
        value: await compactionOf({ writes, folds, appender }, ofCompaction(request)),
      }),
      'request.<gateway>': async (request) => ({ value: held.of(ofRunRequest(request).session) }),
    },
    (verb, error) => log.error({ verb, err: error }, 'a request of another service failed'),
    config.instance,
  )
  closing.add('requests', () => served?.close())
  closing.add('schedules', () => scheduler.close())
  scheduler.start()
  log.info({ url, routes: routes.length, instance: config.instance }, 'the gateway listens')
  const gauges = new PoolGauges(metrics)
  return { url, measure: () => pools.measure(gauges), close: (within): Promise<CloseReport> => closing.close(within) }
}

const valuesOfApps = (
  { call, clock }: Pick<GatewayConfig, 'call' | 'clock'>,
  redactor: NonNullable<GatewayConfig['redactor']>,
): AppValues => new AppValues({ call, now: () => clock.now(), learnt: (values) => redactor.learn(values) })

function cannotListen(error: unknown, { host, port }: Pick<GatewayConfig, 'host' | 'port'>): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  const other = 'choose another port with --port or REINS_PORT (0 takes a free one).'
  if (code === 'EADDRINUSE')
    return new Error(`Another process listens on ${host}:${port} already, so Reins cannot. Stop it, or ${other}`)
  if (code === 'EACCES') return new Error(`This user may not listen on port ${port} of ${host}: ${other}`)
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new Error(`${host} is no address of this machine. Choose one with --host or REINS_HOST, such as 127.0.0.1.`)
  return error
}

function addAll(
  app: FastifyInstance,
  config: GatewayConfig,
  api: Api,
  streams: Streams,
  { noteOf, ...options }: HttpOptions & { readonly noteOf: Parameters<typeof projectRoutes>[2] },
): readonly Route[] {
  const routes: Route[] = []
  routes.push(
    ...accessRoutes(api),
    ...auditRoutes(api),
    ...agentRoutes(api),
    ...projectRoutes(api, () => config.clock.now(), noteOf),
    ...runRoutes(api),
    ...valueRoutes(api),
    ...webhookRoutes(api),
    ...memoryRoutes(api),
    ...sessionRoutes(api, streams),
    ...executionRoutes(api),
    ...usageRoutes(api),
    ...approvalRoutes(api),
    ...elicitationRoutes(api),
    addSocketRoute(app, api, streams, options),
    ...signInRoutes(config.oidc),
    ...operationRoutes({ ...config, api, routes: () => routes }),
  )
  addRoutes(app, routes, options)
  return routes
}

function urlOf(app: FastifyInstance, host: string): string {
  const address = app.server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return `http://${host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host}:${port}`
}
