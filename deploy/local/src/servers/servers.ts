// The servers below Reins: embedded ones that are started, watched and restarted here, or ones that exist already.
//   SV1. An embedded server that dies is started again on its port, so that clients find it again.
//   SV2. Whoever starts them closes them; the data folder must be held for as long as they run.
//   SV3. One that runs and cannot write any more is told apart from one that is away (sick-server, postgres-watch).

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
import { type RunningPostgres, startPostgres } from '../postgres/postgres-process.ts'
import { watchPostgres } from '../postgres/postgres-watch.ts'
import { checkNats, checkPostgres } from './external.ts'
import type { ServerState, ServerStates } from './server-state.ts'
import { obstacleTo, watchForSickness } from './sick-server.ts'

export interface Servers {
  readonly natsUrl: string
  /** Users of the embedded server; empty for one that exists. */
  readonly users: readonly NatsUser[]
  /** Of each service that has tables: the embedded server has a role of its own for each. */
  readonly databaseUrls: Readonly<Record<DatabaseService, string>>
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
  /** Called once all that is started here runs: while it gets ready, there is time for other things. */
  onSpawn: () => void,
): Promise<Servers> {
  let toCome = [config.natsUrl, config.databaseUrl].filter((url) => url === undefined).length
  if (toCome === 0) onSpawn()
  const spawned = () => {
    toCome -= 1
    if (toCome === 0) onSpawn()
  }
  const [nats, postgres] = await both(
    config.natsUrl === undefined
      ? embeddedNats(config, dataDir, log, say, spawned)
      : existing('NATS_URL', config.natsUrl, checkNats, say),
    config.databaseUrl === undefined
      ? embeddedPostgres(dataDir, log, spawned)
      : existing('DATABASE_URL', config.databaseUrl, checkPostgres, say),
  )
  return {
    natsUrl: nats.url,
    users: nats.users ?? [],
    databaseUrls: postgres.databaseUrls ?? { registry: postgres.url, memory: postgres.url },
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
  health?(): ServerState
  close(): Promise<unknown>
  pid?(): number
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
  const server = await restarting('nats-server', dataDir, log, (port, onExit, again) =>
    startNats({
      binary: binary.path,
      dataDir: folder,
      durability: config.durability,
      users,
      port,
      maxPayloadBytes,
      ...(again ? {} : { onSpawn }),
      onExit,
    }),
  )
  const watch = watchForSickness({
    folder,
    current: server.current,
    restart: () => server.current().close({ withinMs: 10_000 }),
    log,
  })
  const { user = '', password = '' } = users[0] ?? {}
  const url = new URL(server.current().url)
  url.username = user
  url.password = password
  return {
    url: url.toString().replace(/\/$/, ''),
    users,
    sync: await server.current().syncSetting(),
    found: `${binary.version} (${binary.how})`,
    health: () => either(server.away(), watch.health()),
    close: async () => {
      await watch.close()
      await server.close()
    },
    pid: () => server.current().pid,
  }
}

async function embeddedPostgres(dataDir: string, log: Log, onSpawn: () => void): Promise<Server> {
  const folder = path.join(dataDir, 'postgres')
  const server = await restarting('postgres', dataDir, log, (port, onExit, again) =>
    startPostgres({ dataDir: folder, port, ...(again ? {} : { onSpawn }), onExit }),
  )
  const { url, version } = server.current()
  const roleOf = (service: DatabaseService): DatabaseRole => ({
    ...{ service, user: roleNameOf(service) },
    password: secretFile(path.join(folder, `${service}.password`)),
  })
  const roles = databaseServices.map(roleOf)
  try {
    await prepareRoles(url, roles)
  } catch (error) {
    await server.close()
    throw error
  }
  const watch = watchPostgres({ url, folder, log })
  return {
    url,
    databaseUrls: { registry: urlOfRole(url, roleOf('registry')), memory: urlOfRole(url, roleOf('memory')) },
    found: `${version} (embedded)`,
    health: () => either(server.away(), watch.health()),
    close: async () => {
      await watch.close()
      await server.close()
    },
    pid: () => server.current().pid,
  }
}

const either = (away: string | undefined, sickness: string): ServerState => {
  if (away !== undefined) return { kind: 'away', why: away }
  return sickness === 'ok' ? { kind: 'ok' } : { kind: 'sick', why: sickness }
}

/** SV1. */
async function restarting<T extends RunningNats | RunningPostgres>(
  name: string,
  folder: string,
  log: Log,
  start: (port: number, onExit: () => void, again: boolean) => Promise<T>,
): Promise<{ current(): T; away(): string | undefined; close(): Promise<void> }> {
  let closed = false
  let away: string | undefined
  let failures = 0
  let startedAt = performance.now()
  const stop = new AbortController()
  let starting: Promise<unknown> = Promise.resolve()
  const onExit = () => {
    if (closed) return
    away = 'it has ended, and is started again'
    log.error({ server: name }, 'a server ended; starting it again')
    if (performance.now() - startedAt > settledMs) failures = 0
    starting = again()
  }
  /** Until it succeeds: a disk gets room again, and nobody is there to start the server by hand. */
  async function again(): Promise<void> {
    while (!closed) {
      if (failures > 0) {
        const wait = Math.min(restartPauseMs * 2 ** failures, longestPauseMs)
        await pause(wait, undefined, { signal: stop.signal }).catch(() => undefined)
        if (closed) return
      }
      failures++
      try {
        // On a full disk a server may start and never get ready.
        const obstacle = await obstacleTo(folder)
        if (obstacle !== undefined) throw new Error(obstacle)
        current = await start(current.port, onExit, true)
        startedAt = performance.now()
        away = undefined
        log.warn({ server: name }, 'a server is back')
        return
      } catch (error) {
        away = `it cannot be started again: ${error instanceof Error ? error.message : String(error)}`
        log.error({ server: name, err: error }, 'a server cannot be started again; another try follows')
      }
    }
  }
  let current = await start(0, onExit, false)
  return {
    current: () => current,
    away: () => away,
    close: async () => {
      closed = true
      stop.abort()
      await starting
      await current.close({ withinMs: 10_000 })
    },
  }
}
