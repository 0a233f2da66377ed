// The embedded nats-server: JetStream on loopback, its store and its log in one folder. The caller owns the data folder.
//   NS1. Ready means: it accepts a client that knows a password, and JetStream answers it.
//   NS2. One server per store: what an earlier run left behind is found by the configuration file that it was started
//        with, and stopped (server-child, C3).
//   NS3. There is no open mode: without users it makes one, whose password is kept beside the store (mode 600).
//   NS4. The sync setting is not believed but read back from the running server (`syncSetting`).
//   NS5. It can be sick while it runs: after a failed write (a full disk) a stream answers no append any more, also when there is room
//        again, until the server is started anew. `sickness` asks it.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { inboxOf } from '@reins/contracts'
import { findProcesses } from '../data/process-identity.ts'
import { writeOwnFile } from '../data/own-file.ts'
import { secretFile } from '../data/secret-file.ts'
import {
  type Exit,
  logTail,
  type ServerChild,
  sizeOf,
  startChild,
  stopOrphans,
  tetherPrefix,
} from '../servers/server-child.ts'
import { type NatsUser, natsConfig } from './nats-config.ts'

const stateSubject = '$SYS.REQ.SERVER.PING.JSZ'
const healthSubject = '$SYS.REQ.SERVER.PING.HEALTHZ'

export interface NatsOptions {
  /** Absolute path of a nats-server (findNatsServer). */
  readonly binary: string
  /** Of this server alone, for example `<data folder>/nats`. */
  readonly dataDir: string
  readonly durability: 'fsync' | 'interval'
  /** Without: one user `reins` that may do everything. */
  readonly users?: readonly NatsUser[]
  /** Default 0: any free one. Give the former one when clients are to find it again. */
  readonly port?: number
  readonly maxPayloadBytes?: number
  readonly extraConfig?: string
  readonly readyWithinMs?: number
  /** Called once it runs, long before it is ready. */
  readonly onSpawn?: () => void
  /** Called once, at its end, wanted or not. */
  readonly onExit?: (exit: Exit) => void
  /** Default true: the server is told to stop when this process dies, where the machine can. */
  readonly tether?: boolean
}

export interface RunningNats {
  /** `nats://127.0.0.1:<port>`, without credentials. */
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly version: string
  readonly logFile: string
  /** The first user, or the one that was made. */
  readonly user: string
  readonly password: string
  /** As the running server has it: `always`, or an interval in milliseconds. */
  syncSetting(): Promise<'always' | number>
  /** What its streams cannot do, in the words of the server; undefined: nothing, or it does not answer (NS5). */
  sickness(): Promise<string | undefined>
  /** SIGTERM, and SIGKILL after `withinMs` (default 10 s). */
  close(options?: { withinMs?: number }): Promise<Exit>
  kill(signal: NodeJS.Signals): void
}

/** Starts it, over whatever an earlier run left behind. Rejects with the end of its log. The caller closes it. */
export async function startNats(options: NatsOptions): Promise<RunningNats> {
  const dataDir = path.resolve(options.dataDir)
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const configFile = path.join(dataDir, 'nats.conf')
  const logFile = path.join(dataDir, 'nats.log')
  const storeArgs = ['-c', configFile, '-sd', dataDir]
  await stopOrphans(findProcesses(storeArgs), [{ signal: 'SIGTERM', withinMs: 10_000 }])
  for (const name of readdirSync(dataDir)) if (name.endsWith('.ports')) rmSync(path.join(dataDir, name))

  const own: NatsUser = { user: 'reins', password: secretFile(path.join(dataDir, 'password')) }
  const users = options.users ?? [own]
  const first = users[0]
  if (first === undefined) throw new Error('startNats: an empty list of users would let nobody in')
  const monitor: NatsUser = {
    user: 'monitor',
    password: secretFile(path.join(dataDir, 'monitor-password')),
    permissions: {
      publish: { allow: [stateSubject, healthSubject] },
      subscribe: { allow: [`${inboxOf('monitor').own}.>`] },
    },
  }
  const text = natsConfig({
    port: options.port === undefined || options.port === 0 ? -1 : options.port,
    durability: options.durability,
    users,
    monitor,
    maxPayloadBytes: options.maxPayloadBytes ?? 2 * 1024 * 1024,
    ...(options.extraConfig === undefined ? {} : { extraConfig: options.extraConfig }),
  })
  writeOwnFile(configFile, text)

  const logStart = sizeOf(logFile)
  const tether = options.tether === false ? [] : tetherPrefix('TERM')
  const argv = [...tether, options.binary, ...storeArgs, '--ports_file_dir', dataDir] as const
  const [program = options.binary, ...args] = argv
  const child = await startChild({ argv: [program, ...args], logFile }).catch((error: unknown) => {
    throw new Error(
      `Reins cannot run ${options.binary}: ${messageOf(error)}. Set REINS_NATS_SERVER to a nats-server that runs here.`,
    )
  })
  options.onSpawn?.()
  const withinMs = options.readyWithinMs ?? 60_000
  try {
    const ready = await becomesReady({ child, dataDir, user: first, monitor, withinMs, logFile, logStart })
    if (options.onExit !== undefined) void child.exited.then(options.onExit)
    return {
      ...ready,
      pid: child.pid,
      logFile,
      user: first.user,
      password: first.password,
      syncSetting: () => readSyncSetting(ready.port, monitor),
      sickness: () => readSickness(ready.port, monitor).catch(() => undefined),
      close: ({ withinMs: closing = 10_000 } = {}) => child.stop([{ signal: 'SIGTERM', withinMs: closing }]),
      kill: child.kill,
    }
  } catch (error) {
    await child.stop([{ signal: 'SIGTERM', withinMs: 2000 }])
    throw error
  }
}

interface Start {
  readonly child: ServerChild
  readonly dataDir: string
  readonly user: NatsUser
  readonly monitor: NatsUser
  readonly withinMs: number
  readonly logFile: string
  readonly logStart: number
}

async function becomesReady(start: Start): Promise<{ url: string; port: number; version: string }> {
  const deadline = AbortSignal.timeout(start.withinMs)
  let last: unknown = 'it has not said its port'
  while (!deadline.aborted) {
    const exit = start.child.exit()
    if (exit !== undefined) {
      throw new Error(
        `nats-server ended at its start (${exit.signal ?? `code ${exit.code}`}). The end of ${start.logFile}:\n${logTail(start.logFile, start.logStart)}`,
      )
    }
    const port = readPort(start.dataDir, start.child.pid)
    if (port !== undefined) {
      try {
        return { url: `nats://127.0.0.1:${port}`, port, version: await greet(port, start) }
      } catch (error) {
        last = error
      }
    }
    await delay(10)
  }
  throw new Error(
    `nats-server was not ready within ${start.withinMs} ms (${messageOf(last)}). The end of ${start.logFile}:\n${logTail(start.logFile, start.logStart)}`,
  )
}

/** The port that the server has written down. Its file is named for its own pid, so a former run's is never read. */
function readPort(dataDir: string, pid: number): number | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path.join(dataDir, `nats-server_${pid}.ports`), 'utf8'))
    if (typeof value !== 'object' || value === null || !('nats' in value) || !Array.isArray(value.nats))
      return undefined
    const url: unknown = value.nats[0]
    return typeof url === 'string' ? Number(new URL(url).port) : undefined
  } catch {
    return undefined // not there yet, or half written
  }
}

async function greet(port: number, { user, monitor }: Start): Promise<string> {
  await using open = await client(port, user.permissions === undefined ? user : monitor)
  if (user.permissions === undefined) await jetstreamManager(open.connection, { timeout: 2000 })
  else await jetStreamState(open.connection)
  return open.connection.info?.version ?? 'unknown'
}

async function readSyncSetting(port: number, monitor: NatsUser): Promise<'always' | number> {
  await using open = await client(port, monitor)
  const config = await jetStreamState(open.connection)
  if ('sync_always' in config && config.sync_always === true) return 'always'
  if ('sync_interval' in config && typeof config.sync_interval === 'number') return config.sync_interval / 1e6
  throw new Error('nats-server does not say how often it syncs its store (JSZ without config.sync_interval)')
}

/** undefined: its streams are well. */
async function readSickness(port: number, monitor: NatsUser): Promise<string | undefined> {
  await using open = await client(port, monitor)
  const reply = await open.connection.request(healthSubject, JSON.stringify({ details: true }), { timeout: 2000 })
  const { data } = reply.json<{
    data?: { status_code?: number; error?: string; errors?: readonly { error?: string }[] }
  }>()
  if (data?.status_code === undefined || data.status_code === 200) return undefined
  const errors = [...new Set([data.error, ...(data.errors ?? []).map(({ error }) => error)].filter((text) => text))]
  return errors.slice(0, 3).join('; ') || `health ${data.status_code}`
}

async function jetStreamState(connection: NatsConnection): Promise<object> {
  const reply = (await connection.request(stateSubject, '{}', { timeout: 2000 })).json<unknown>()
  const data = reply !== null && typeof reply === 'object' && 'data' in reply ? reply.data : undefined
  const config = data !== null && typeof data === 'object' && 'config' in data ? data.config : undefined
  if (typeof config !== 'object' || config === null) throw new Error('JetStream is not running')
  return config
}

async function client(
  port: number,
  { user, password }: NatsUser,
): Promise<{ connection: NatsConnection } & AsyncDisposable> {
  const connection = await connect({
    servers: `127.0.0.1:${port}`,
    user,
    pass: password,
    inboxPrefix: inboxOf(user).own,
    reconnect: false,
    timeout: 2000,
  })
  return { connection, [Symbol.asyncDispose]: () => connection.close() }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
