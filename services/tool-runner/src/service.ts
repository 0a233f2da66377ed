// The tool-runner: serves the tool pools that its labels cover (PROTOCOL 5 and 6). It owns sandboxes and decides for no session.
//   U1. A consumer that ends by itself, or whose callback throws, ends the process.
//   U2. Triggers that it holds get working() each third of ack_wait, never while it is suspect.
import path from 'node:path'
import { type Broker, BrokerUnavailable, startPresence } from '@reins/broker'
import type { Labels } from '@reins/contracts'
import { type Journal, type RegistryView, ServedPools } from '@reins/journal'
import { type Clock, Closing, type PausePoint, type Running } from '@reins/service'
import type { Log, Metrics, Redactor } from '@reins/telemetry'
import { PathLocks, type Sandbox } from '@reins/tools'
import type { RunnerContext } from './context.ts'
import { redacted } from './kept-output.ts'
import { SessionTools } from './session-tools.ts'

export interface ToolRunnerConfig {
  readonly broker: Broker
  readonly journal: Journal
  readonly registry: RegistryView
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly instance: string
  readonly labels: Labels
  /** Tool calls at once. */
  readonly concurrency: number
  readonly ackWaitMs: number
  readonly pauseAt: PausePoint
  /** Where relative workspaces are resolved. */
  readonly workspaceRoot: string
  /** Folders that no tool may see: the data folder. */
  readonly masked: readonly string[]
  readonly sandbox: Sandbox
  readonly redactor: Redactor
  /** ms that tools may go on after the service was told to stop. */
  readonly drainMs?: number
  readonly fatal: (error: Error) => void
}

const giveUpMs = 2000

export async function start(config: ToolRunnerConfig): Promise<Running> {
  const { broker, journal, clock, log, labels, ackWaitMs } = config
  const closing = new Closing()
  const stopping = new AbortController()
  const sessions = new Map<string, SessionTools>()
  const pools = new ServedPools(journal.work, 'tool', labels)
  const active = new Set<string>()
  let draining = false
  const seconds = config.metrics.histogram('reins_tool_call_seconds', 'Tool calls by tool and outcome', [
    'tool',
    'status',
  ])
  const failures = config.metrics.counter(
    'reins_tool_runner_failures_total',
    'Steps that failed inside the tool-runner',
  )
  const busyGauge = config.metrics.gauge('reins_tool_runner_busy', 'Tool calls that this runner runs')

  const context: RunnerContext = {
    instance: config.instance,
    sessions: journal.sessions,
    feed: journal.feed,
    clock,
    tools: {
      workspaceRoot: path.resolve(config.workspaceRoot),
      masked: config.masked,
      sandbox: config.sandbox,
      locks: new PathLocks(),
      // A broker that is away for longer than one question must not fail a tool.
      registry: { version: (digest) => context.reading(() => config.registry.version(digest)) },
      keep: (output) => journal.blobs.put(redacted(output, config.redactor)),
      redactor: config.redactor,
    },
    ackWaitMs,
    freshMs: 250,
    followAfterMs: 100,
    stopping: stopping.signal,
    pauseAt: config.pauseAt,
    presence: () => presence,
    servesPool: (pool) => pools.has(pool),
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
      failures.inc()
      log.error({ session, err: error }, 'a step of a tool call failed in the tool-runner; it will be tried again')
    },
    finished(name, status, ms) {
      seconds.observe({ tool: name, status }, ms / 1000)
    },
    active,
    idle(tools) {
      if (sessions.get(tools.id) === tools && !tools.busy()) sessions.delete(tools.id)
      pools.wake()
    },
  }

  const presence = startPresence(broker, {
    service: 'tool-runner',
    instance: config.instance,
    pools: () => pools.keys(),
    labels,
    slots: config.concurrency,
    busy: () => active.size,
    ackWaitMs,
    runs: ({ session, call, attempt }) => sessions.get(session)?.runs(call, attempt) ?? false,
    abort: ({ session, call, attempt }) => sessions.get(session)?.abort(call, attempt),
    onGone: (instance, holdings) => {
      if (draining) return
      log.warn({ instance, calls: holdings.length }, 'a tool-runner is gone; looking after its calls')
      for (const holding of holdings) toolsOf(holding.session).lost(holding)
    },
    recheck: async () => {
      await Promise.all([...sessions.values()].map((tools) => tools.recheck()))
    },
  })
  closing.add('presence', () => presence.close())

  function toolsOf(session: string): SessionTools {
    let tools = sessions.get(session)
    if (!tools) {
      tools = new SessionTools(session, context)
      sessions.set(session, tools)
    }
    return tools
  }

  await pools.start({
    free: () => (draining ? 0 : config.concurrency - active.size),
    on: (trigger) => toolsOf(trigger.session).deliver(trigger),
    failed: config.fatal,
    serving: (pool) => log.info({ pool }, 'serving a pool'),
    missed: (error) => log.warn({ err: error }, 'could not look for new pools'),
  })

  const heartbeat = setInterval(() => {
    busyGauge.set(active.size)
    if (presence.suspect()) return
    for (const tools of sessions.values()) tools.working()
  }, ackWaitMs / 3)
  closing.add('heartbeat', () => clearInterval(heartbeat))

  closing.add('sessions', async () => {
    draining = true
    presence.leave()
    await pools.close()
    const deadline = clock.now() + (config.drainMs ?? 150)
    while (active.size > 0 && clock.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10))
    // What waits for a broker that is away gives up here: its triggers are redelivered.
    const giveUp = setTimeout(() => stopping.abort(), giveUpMs)
    await Promise.all([...sessions.values()].map((tools) => tools.release().catch(() => undefined)))
    clearTimeout(giveUp)
    stopping.abort()
    await broker.nc.flush().catch(() => undefined)
  })
  return closing
}
