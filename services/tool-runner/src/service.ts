// The tool-runner: a session's tools for each session of the tool pools that its labels cover (PROTOCOL 5 and 6), in the shell that it
// shares with the executor (libs/holder, whose invariants hold here). It owns sandboxes and decides for no session.
import path from 'node:path'
import { type Broker, callService, type Handler, serveRequests, startPresence } from '@reins/broker'
import { codeSource, dispatches, runRequests } from '@reins/code-host'
import { type Labels, parseTraceparent, type ServiceVerb, type SlowCall, testMcpVerb } from '@reins/contracts'
import { CallSlots, Holder, memoryRoom, memoryShare, type Queue, readingUntil } from '@reins/holder'
import type { Journal, RegistryView } from '@reins/journal'
import { McpServers } from '@reins/mcp'
import { learnNamed, type SecretsRedactor } from '@reins/secrets'
import { type Clock, Closing, type PausePoint, type Running } from '@reins/service'
import { bounded, type Log, type Metrics } from '@reins/telemetry'
import {
  builtinSource,
  contextFiles,
  type Guard,
  memorySource,
  PathLocks,
  type Sandbox,
  SkillFoldersOnDisk,
  skillsSource,
  type WorkplaceOptions,
  Workplaces,
  workspaceNamed,
} from '@reins/tools'
import { discover } from './calls/call-runner.ts'
import { memoryOver } from './calls/memory-calls.ts'
import { runAt } from './calls/given-runs.ts'
import { resolveOver, type ValuesOptions, valuesOf } from './calls/values.ts'
import { RegisteredNeighbours } from './neighbours.ts'
import { redacted } from './recorded/kept-output.ts'
import { testMcp } from './servers/mcp-test.ts'
import { askedEvent, Notices } from './servers/notices.ts'
import { ServerSessions } from './servers/server-sessions.ts'
import { SessionTools, type ToolsContext } from './session-tools.ts'

export interface ToolRunnerConfig {
  readonly broker: Broker
  readonly journal: Journal
  readonly registry: RegistryView
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly instance: string
  readonly labels: Labels
  /** Tool calls that work at once. */
  readonly concurrency: number
  /** Besides, tool calls at once that take long, and mostly wait. */
  readonly waitingCalls: number
  readonly ackWaitMs: number
  readonly pauseAt: PausePoint
  /** Where relative workspaces are resolved. */
  readonly workspaceRoot: string
  /** Where an agent that names no workspace has a folder of its own; undefined: it works in the root. */
  readonly ownWorkspaces: string | undefined
  /** Where such folders lie on this machine, also where a root was named; closed to agents that work around it. */
  readonly agentFolders?: string | undefined
  /** The operator's word that an agent may work in a folder that holds another agent's. Default false. */
  readonly allowNestedWorkspaces?: boolean | undefined
  /** Where the files of skills are laid out for commands of the shell; absolute, made when needed. Absent: commands see none. */
  readonly skillFolders?: string
  /** What no tool may see, and what none may change. */
  readonly guard: Guard
  /** Where long outputs wait until they are kept: absolute, seen by no tool. Absent: the temporary folder. */
  readonly spoolFolder?: string
  readonly sandbox: Sandbox
  /** Masks secrets in all that is recorded; it is told each one that is given to a tool. */
  readonly redactor: SecretsRedactor
  /** ms that tools may go on after the service was told to stop. */
  readonly drainMs?: number
  readonly fatal: (error: Error) => void
}

/** MT1 of the catalogue. */
const namesKept = 200
const waitsAfterMs = 1000
const parksAfterMs = 60_000
/** For secrets that are learnt in order to mask them: a call goes on without. */
const learnMs = 1500

export async function start(config: ToolRunnerConfig): Promise<Running> {
  const { broker, journal, clock, log, labels, ackWaitMs, instance } = config
  const closing = new Closing()
  const stopping = new AbortController()
  const reading = readingUntil(stopping.signal)
  const active = new Set<string>()
  const slow = new Map<string, SlowCall>()
  const slots = new CallSlots({
    most: config.waitingCalls,
    room: memoryRoom(clock.now, memoryShare),
    now: clock.now,
  })
  const work = new CallSlots({ most: config.concurrency, room: () => true, now: clock.now })
  const queue: Queue = {
    full: () => work.full(),
    queued: () => work.queued(),
    serve: () => work.serve(),
    get waiting() {
      return work.waiting
    },
    get free() {
      return work.left
    },
  }
  const seconds = config.metrics.histogram('reins_tool_call_seconds')
  const failures = config.metrics.counter('reins_tool_runner_failures_total')
  const busyGauge = config.metrics.gauge('reins_tool_runner_busy')
  const waitingGauge = config.metrics.gauge('reins_tool_runner_waiting')
  const hostsGauge = config.metrics.gauge('reins_code_hosts')
  const slotsGauge = config.metrics.gauge('reins_tool_runner_slots')
  const asked = config.metrics.counter('reins_mcp_discoveries_total')
  const toolNamed = bounded(namesKept)
  const serverNamed = bounded(namesKept)

  const bundles = { get: (digest: string) => reading(() => journal.bundles.get(digest)) }
  const folders =
    config.skillFolders === undefined
      ? undefined
      : new SkillFoldersOnDisk({ root: config.skillFolders, bundles, sandbox: config.sandbox, now: clock.now })
  const places: WorkplaceOptions = {
    workspaceRoot: path.resolve(config.workspaceRoot),
    ownWorkspaces: config.ownWorkspaces,
    agentFolders: config.agentFolders,
    allowNested: config.allowNestedWorkspaces,
    guard: config.guard,
    neighbours: new RegisteredNeighbours({
      get seq() {
        return config.registry.seq
      },
      agents: () => config.registry.agents(),
      // A broker that is away for longer than one question must not fail a tool.
      version: (digest) => reading(() => config.registry.version(digest)),
    }),
  }
  const builtin = builtinSource({
    ...(folders ? { skills: folders } : {}),
    ...places,
    ...(config.spoolFolder === undefined
      ? {}
      : { spool: { folder: config.spoolFolder, mask: () => config.redactor.stream() } }),
    sandbox: config.sandbox,
    locks: new PathLocks(),
  })
  const skills = skillsSource({ bundles, ...(folders ? { folders } : {}) })
  const dispatch = dispatches({
    call: (subject, request, withinMs) => callService(broker, subject, request, withinMs),
    mask: (value) => config.redactor.json(value),
  })
  const request = runRequests((subject, asked, withinMs) => callService(broker, subject, asked, withinMs))
  const code = codeSource({
    bundles,
    dispatch: (sender, asked, signal) => dispatch(sender, asked, signal),
    runAt: (run, position) => runAt({ sessions: journal.sessions, reading, request }, run, position),
    sandbox: config.sandbox,
    guard: config.guard,
    log: (tool, call, { level, message, attributes }, traceparent) => {
      const traceId = parseTraceparent(traceparent)?.traceId
      const about = { session: call.split('/')[0], ...(traceId === undefined ? {} : { trace_id: traceId }) }
      log[level]({ ...config.redactor.json({ tool, call, attributes }), ...about }, config.redactor.text(message))
    },
  })
  const memory = memorySource({ ask: memoryOver(broker), mask: (value) => config.redactor.json(value) })
  closing.add('tools', () => Promise.all([builtin.close(), code.close()]))
  const workplaces = new Workplaces(places)
  const servers = new McpServers({
    sandbox: config.sandbox,
    workplaceOf: (agent, workspace) => workplaces.fresh(agent, workspace),
    asksPeople: true,
    now: clock.now,
  })
  closing.add('MCP servers', () => servers.close())
  const serverSessions = new ServerSessions()
  const notices = new Notices()
  servers.onElicitationCompleted((_principal, server, id) => {
    const awaited = notices.take(server, id)
    if (awaited) holder.actorOf(awaited.session).elicitationCompleted(awaited.call, awaited.elicitation)
  })
  servers.onChanged((principal, server) => {
    for (const session of serverSessions.toTell(principal, server)) holder.actorOf(session).serversChanged([server])
  })

  const secrets: ValuesOptions = { broker, learnt: (values) => config.redactor.learn(values) }
  const context: ToolsContext = {
    instance,
    sessions: journal.sessions,
    feed: journal.feed,
    clock,
    tools: {
      sources: [builtin, code, memory, skills],
      servers,
      workspace: async (definition) => {
        const { folder, guard } = await workplaces.fresh(definition.name, workspaceNamed(definition))
        return contextFiles(folder, guard)
      },
      // A broker that is away for longer than one question must not fail a tool.
      registry: { version: (digest) => reading(() => config.registry.version(digest)) },
      kept: (session, ref) => reading(() => journal.outputs.get(session, ref)),
      keep: (session, output) => journal.outputs.put(session, redacted(output, config.redactor)),
      values: (digest) => valuesOf(secrets, digest),
      learnNamed: learnNamed({
        ...{ resolve: resolveOver(broker, learnMs), learnt: secrets.learnt, now: clock.now },
        missed: (digest, why) =>
          log.warn({ digest, why }, 'the secrets that an agent names cannot be learnt now, in order to mask them'),
      }),
      frame: async (session, place) => {
        const frame = await reading(() => journal.sessions.frameAt(session, place))
        if (frame || place < 1) return frame
        // Whoever answered may not have it yet.
        const [read] = await reading(() => journal.sessions.read(session, { after: place - 1, limit: 1, leader: true }))
        return read?.seq === place ? read : undefined
      },
      redactor: config.redactor,
    },
    ackWaitMs,
    freshMs: 250,
    followAfterMs: 100,
    ...{ work, slots, waitsAfterMs },
    freed: () => holder.wake(),
    parksAfterMs,
    stopping: stopping.signal,
    pauseAt: config.pauseAt,
    discover: async (session, request) => {
      const answers = await discover(context.tools, request)
      serverSessions.answered(session, request.principal, answers)
      for (const { server, status } of answers) asked.inc({ server: serverNamed(server), status })
      return answers
    },
    asks: (here) => askedEvent(here, clock.now(), config.redactor),
    waitsForNotice: (session, call, elicitation, asked) => notices.wait(asked, { session, call, elicitation }),
    presence: () => holder.presence,
    servesPool: (pool) => holder.serves(pool),
    reading,
    report(session, error) {
      if (stopping.signal.aborted) return
      failures.inc()
      log.error({ session, err: error }, 'a step of a tool call failed in the tool-runner; it will be tried again')
    },
    finished(name, status, ms) {
      seconds.observe({ tool: toolNamed(name), status }, ms / 1000)
    },
    active,
    slow,
    changed: (tools) => holder.changed(tools),
  }

  const holder = new Holder<SessionTools>({
    service: 'tool-runner',
    ...{ instance, labels, ackWaitMs, clock, stopping },
    work: journal.work,
    presence: (options) => startPresence(broker, options),
    actor: (session) => new SessionTools(session, context),
    // A session that has nothing to do here is forgotten.
    cacheBytes: 0,
    workSlots: config.concurrency,
    queue,
    // Who has no slot for work has room for nobody, however many more calls may wait here.
    calls: () => {
      const all = config.concurrency + slots.most
      return { slots: all, busy: work.full() ? all : active.size }
    },
    slow: () => [...slow.values()],
    drainMs: config.drainMs ?? 150,
    on: {
      serving: (pool) => log.info({ pool }, 'serving a pool'),
      missed: (error) => log.warn({ err: error }, 'could not look for new pools'),
      odd: (error) => log.error({ err: error }, 'a trigger cannot be taken; it comes again'),
      gone: (gone, calls) => log.warn({ instance: gone, calls }, 'a tool-runner is gone; looking after its calls'),
      beat() {
        slotsGauge.set(config.concurrency)
        busyGauge.set(active.size)
        waitingGauge.set(slots.taken)
        hostsGauge.set(code.hosts())
      },
    },
    fatal: config.fatal,
    flush: () => broker.nc.flush(),
  })
  closing.add('sessions', () => holder.close())
  const served = serveRequests(
    broker,
    'tool-runner',
    {
      [testMcpVerb]: (request) => testMcp(context.tools, servers, (pool) => holder.serves(pool), request),
    } satisfies Readonly<Record<ServiceVerb<'tool-runner'>, Handler>>,
    (verb, error) => log.error({ verb, err: error }, 'a request to the tool-runner failed'),
  )
  closing.add('requests', () => served.close())
  await holder.start()
  return closing
}
