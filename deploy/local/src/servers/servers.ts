// The servers below Reins: embedded ones that are started, watched and restarted here, or ones that exist already.
//   SV1. An embedded server that dies is started again on its port, so that clients find it again.
//   SV2. Whoever starts them closes them; the data folder must be held for as long as they run.
//   SV3. One that runs and cannot write any more is told apart from one that is away (sick-server, postgres-watch).
//   SV4. Nobody waits for the embedded Postgres: sessions go on without it, and lists wait for it. After a crash it recovers for seconds.
//        One that cannot be started ends the start of Reins, as long as that goes on; later it is tried again (SV1).

import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '@reins/telemetry'
import type { LocalConfig } from '../config.ts'
import { secretFile } from '../data/secret-file.ts'
import { findNatsServer } from '../nats/find-nats.ts'
import type { NatsUser } from '../nats/nats-config.ts'
import { type RunningNats, startNats } from '../nats/nats-process.ts'
import { natsUsers } from '../nats/nats-users.ts'
import {
  type DatabaseRole,
  type DatabaseService,
  databaseServices,
  prepareRoles,
  roleNameOf,
  urlOfRole,
} from '../postgres/database-roles.ts'
import { postgresUrl, type RunningPostgres, reservePort, startPostgres } from '../postgres/postgres-process.ts'
import { type PostgresWatch, watchPostgres } from '../postgres/postgres-watch.ts'
import { checkNats, checkPostgres } from './external.ts'
import type { ServerState, ServerStates } from './server-state.ts'
import { obstacleTo, watchForSickness } from './sick-server.ts'

export interface Servers {
  readonly natsUrl: string
  /** Users of the embedded server; empty for one that exists. */
  readonly users: readonly NatsUser[]
  /** Of each service that has tables: the embedded server has a role of its own for each. */
  readonly databaseUrls: Readonly<Record<DatabaseService, string>>
  /** Resolves once they can be used, and never rejects (SV4). */
  readonly databaseReady: Promise<unknown>
  /** Why an embedded server could not be started, where that is so now. */
  failure(): Error | undefined
  /** As the server has it; `unknown` for one that exists. */
  readonly sync: 'always' | number | 'unknown'
  readonly found: { readonly nats: string; readonly postgres: string }
  /** Of each embedded server. */
  health(): ServerStates
  close(): Promise<void>
  /** Kills and starts again: tests only. */
  readonly pids: () => { readonly nats?: number; readonly postgres?: number }
}

const maxPayloadBytes = 8 * 1024 * 1024
const restartPauseMs = 250
const longestPauseMs = 5000
/** After so long a server that ended did not fail at its start. */
const settledMs = 10_000

export async function startServers(
  config: LocalConfig,
  dataDir: string,
  log: Log,
  say: (line: string) => void,
  /** Called once the embedded nats-server runs: while it gets ready, there is time for other things. */
  onSpawn: () => void,
): Promise<Servers> {
  const natsRuns = Promise.withResolvers<void>()
  const spawned = () => {
    onSpawn()
    natsRuns.resolve()
  }
  if (config.natsUrl !== undefined) spawned()
  const [nats, postgres] = await both(
    config.natsUrl === undefined
      ? embeddedNats(config, dataDir, log, say, spawned).finally(natsRuns.resolve)
      : existing('NATS_URL', config.natsUrl, checkNats, say),
    config.databaseUrl === undefined
      ? embeddedPostgres(dataDir, log, natsRuns.promise)
      : existing('DATABASE_URL', config.databaseUrl, checkPostgres, say),
  )
  return {
    natsUrl: nats.url,
    users: nats.users ?? [],
    databaseUrls: postgres.databaseUrls ?? { registry: postgres.url, memory: postgres.url },
    databaseReady: postgres.ready ?? Promise.resolve(),
    failure: () => postgres.failure?.(),
    sync: nats.sync ?? 'unknown',
    found: { nats: nats.found, postgres: postgres.found },
    health: () => ({
      ...(nats.health === undefined ? {} : { 'nats-server': nats.health() }),
      ...(postgres.health === undefined ? {} : { postgres: postgres.health() }),
    }),
    close: async () => {
      await Promise.all([nats.close(), postgres.close()])
    },
    pids: () => {
      const [natsPid, postgresPid] = [nats.pid?.(), postgres.pid?.()]
      return {
        ...(natsPid === undefined ? {} : { nats: natsPid }),
        ...(postgresPid === undefined ? {} : { postgres: postgresPid }),
      }
    },
  }
}

interface Server {
  readonly url: string
  readonly found: string
  readonly users?: readonly NatsUser[]
  readonly databaseUrls?: Servers['databaseUrls']
  readonly sync?: 'always' | number
  /** Absent: it is ready. */
  readonly ready?: Promise<unknown>
  failure?(): Error | undefined
  health?(): ServerState
  close(): Promise<unknown>
  pid?(): number | undefined
}

/** If one of the two fails, the other is closed before the failure is told. */
async function both(first: Promise<Server>, second: Promise<Server>): Promise<[Server, Server]> {
  const [a, b] = await Promise.allSettled([first, second])
  if (a.status === 'fulfilled' && b.status === 'fulfilled') return [a.value, b.value]
  await Promise.all([a, b].map((result) => (result.status === 'fulfilled' ? result.value.close() : undefined)))
  throw a.status === 'rejected' ? a.reason : (b as PromiseRejectedResult).reason
}

async function existing(
  name: string,
  url: string,
  check: typeof checkNats,
  say: (line: string) => void,
): Promise<Server> {
  const result = await check(url)
  if (result.kind === 'failed') throw new Error(result.message)
  if (result.excess !== undefined) say(`warning: ${name}: ${result.excess}`)
  return { url, found: `${result.version} (${name})`, close: async () => {} }
}

async function embeddedNats(
  config: LocalConfig,
  dataDir: string,
  log: Log,
  say: (line: string) => void,
  onSpawn: () => void,
): Promise<Server> {
  const binary = await findNatsServer({
    cacheDir: config.cacheDir,
    searchPath: config.searchPath,
    ...(config.natsServer === undefined ? {} : { explicit: config.natsServer }),
    log: say,
  })
  const users = natsUsers(dataDir)
  const folder = path.join(dataDir, 'nats')
  let first = true
  const server = restarting('nats-server', dataDir, log, ({ port, onExit }) => {
    const again = !first
    first = false
    return startNats({
      binary: binary.path,
      dataDir: folder,
      durability: config.durability,
      users,
      port,
      maxPayloadBytes,
      ...(again ? {} : { onSpawn }),
      onExit,
    })
  })
  const begun = await server.first.catch(async (error: unknown) => {
    await server.close()
    throw error
  })
  const current = (): RunningNats => server.current() ?? begun
  const watch = watchForSickness({
    folder,
    current,
    restart: () => current().close({ withinMs: 10_000 }),
    log,
  })
  const { user = '', password = '' } = users[0] ?? {}
  const url = new URL(begun.url)
  url.username = user
  url.password = password
  return {
    url: url.toString().replace(/\/$/, ''),
    users,
    sync: await begun.syncSetting(),
    found: `${binary.version} (${binary.how})`,
    health: () => either(server.away(), watch.health()),
    close: async () => {
      await watch.close()
      await server.close()
    },
    pid: () => server.current()?.pid,
  }
}

/** SV4. Resolves when it is known where it will be; it is started behind `after`, since all else waits for that. */
async function embeddedPostgres(dataDir: string, log: Log, after: Promise<void>): Promise<Server> {
  const folder = path.join(dataDir, 'postgres')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const reserved = await reservePort()
  const url = postgresUrl(folder, reserved.port)
  const roles = databaseServices.map(
    (service): DatabaseRole => ({
      ...{ service, user: roleNameOf(service) },
      password: secretFile(path.join(folder, `${service}.password`)),
    }),
  )
  let prepared = false
  let closed = false
  const ready = Promise.withResolvers<void>()
  const server = restarting('postgres', dataDir, log, async ({ onExit, signal }) => {
    await after
    signal.throwIfAborted()
    let stays = false
    const running = await startPostgres({
      ...{ dataDir: folder, reserved, signal },
      onExit: () => {
        if (stays) onExit()
      },
    })
    if (!prepared)
      await prepareRoles(url, roles).catch(async (error: unknown) => {
        await running.close()
        throw error
      })
    prepared = true
    stays = true
    ready.resolve()
    return running
  })
  server.first.catch(() => undefined) // whoever asks for `failure` is told
  let watch: PostgresWatch | undefined
  void ready.promise.then(() => {
    if (!closed) watch = watchPostgres({ url, folder, log })
  })
  const urlOf = (service: DatabaseService): string => {
    const role = roles.find((one) => one.service === service)
    return role === undefined ? url : urlOfRole(url, role)
  }
  return {
    url,
    databaseUrls: { registry: urlOf('registry'), memory: urlOf('memory') },
    found: 'embedded',
    ready: ready.promise,
    failure: server.failure,
    health: () => either(server.away(), watch?.health() ?? 'ok'),
    close: async () => {
      closed = true
      await watch?.close()
      await server.close()
      await reserved.release()
    },
    pid: () => server.current()?.pid,
  }
}

const either = (away: string | undefined, sickness: string): ServerState => {
  if (away !== undefined) return { kind: 'away', why: away }
  return sickness === 'ok' ? { kind: 'ok' } : { kind: 'sick', why: sickness }
}

interface Start {
  /** Of the one before; 0: there was none. */
  readonly port: number
  readonly onExit: () => void
  /** Aborted when nobody wants it any more. */
  readonly signal: AbortSignal
}

interface Restarting<T> {
  /** Rejects where it could not be started; it is tried again then. */
  readonly first: Promise<T>
  current(): T | undefined
  away(): string | undefined
  /** Why it could not be started, the last time that this was tried. */
  failure(): Error | undefined
  close(): Promise<void>
}

/** SV1. Whoever does not want a further try closes it. */
function restarting<T extends RunningNats | RunningPostgres>(
  name: string,
  folder: string,
  log: Log,
  start: (how: Start) => Promise<T>,
): Restarting<T> {
  const stop = new AbortController()
  const { signal } = stop
  let current: T | undefined
  let away: string | undefined = 'it is starting'
  let failure: Error | undefined
  let failures = 0
  let startedAt = performance.now()
  let starting: Promise<unknown> = Promise.resolve()
  const onExit = () => {
    if (signal.aborted) return
    away = 'it has ended, and is started again'
    log.error({ server: name }, 'a server ended; starting it again')
    if (performance.now() - startedAt > settledMs) failures = 0
    starting = again()
  }
  async function attempt(): Promise<T> {
    try {
      const started = await start({ port: current?.port ?? 0, onExit, signal })
      current = started
      startedAt = performance.now()
      away = undefined
      failure = undefined
      return started
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
      away = `it cannot be started${current ? ' again' : ''}: ${failure.message}`
      throw error
    }
  }
  /** Until it succeeds: a disk gets room again, and nobody is there to start the server by hand. */
  async function again(): Promise<void> {
    while (!signal.aborted) {
      if (failures > 0) {
        const wait = Math.min(restartPauseMs * 2 ** failures, longestPauseMs)
        await pause(wait, undefined, { signal }).catch(() => undefined)
        if (signal.aborted) return
      }
      failures++
      try {
        // On a full disk a server may start and never get ready.
        const obstacle = await obstacleTo(folder)
        if (obstacle !== undefined) throw new Error(obstacle)
        await attempt()
        log.warn({ server: name }, 'a server is back')
        return
      } catch (error) {
        away = `it cannot be started again: ${error instanceof Error ? error.message : String(error)}`
        log.error({ server: name, err: error }, 'a server cannot be started again; another try follows')
      }
    }
  }
  const first = attempt()
  starting = first.catch(() => {
    failures++
    if (signal.aborted) return undefined
    log.error({ server: name, err: failure }, 'a server cannot be started; another try follows')
    return again()
  })
  return {
    first,
    current: () => current,
    away: () => away,
    failure: () => failure,
    close: async () => {
      stop.abort()
      await starting
      await current?.close({ withinMs: 10_000 })
    },
  }
}
