// The embedded Postgres: a real server on loopback, with a password, everything of it in one folder. The caller owns
// the data folder, so no other live Reins uses this cluster.
//   PG1. A cluster is made aside and renamed: one that was cut off in the making is never started.
//   PG2. Ready means: it answers a query of the user whose password we keep (file `password`, mode 600).
//   PG3. A postmaster that an earlier run left behind is stopped first, and so are the children of one that was killed.
//        `postmaster.pid` is Postgres's own guard: it is removed only when it names a process that is not Postgres.
//   PG4. Loopback TCP and a password, no unix socket: a socket's path may be 107 bytes at most, a data folder's name more.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { findProcesses, findProcessesIn, identify } from '../data/process-identity.ts'
import { secretFile } from '../data/secret-file.ts'
import {
  type Exit,
  logTail,
  type ServerChild,
  type ServerCommand,
  sizeOf,
  startChild,
  stopOrphans,
  tetherPrefix,
  until,
} from '../servers/server-child.ts'
import { type Account, chooseAccount } from './postgres-account.ts'
import { nativeFolder, type PostgresBinaries, preparePostgres, runnableInitdb } from './postgres-binaries.ts'

export interface PostgresOptions {
  /** Of this server alone, for example `<data folder>/postgres`. */
  readonly dataDir: string
  /** Default 0: any free one. Give the former one when clients are to find it again. */
  readonly port?: number
  /** Instead of `port`: this one, which is given back just before Postgres takes it. */
  readonly reserved?: ReservedPort
  /** Default: the folder `native` of the installed package. */
  readonly native?: string
  /** Each of the two waits: making the cluster, being ready. Default 60 s. */
  readonly readyWithinMs?: number
  /** Called once, at its end, wanted or not. */
  readonly onExit?: (exit: Exit) => void
  /** Default true: the server is told to stop when this process dies, where the machine can. */
  readonly tether?: boolean
  /** Aborted: it is not wanted any more, and the start rejects. */
  readonly signal?: AbortSignal
}

/** A port that nobody else is given, since this process listens on it and hears nobody. */
export interface ReservedPort {
  readonly port: number
  /** Once is enough, more is harmless. */
  release(): Promise<void>
}

export interface RunningPostgres {
  /** With the password in it: never print it (external.ts: redactUrl). */
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly version: string
  readonly logFile: string
  readonly runsAs: Account['how']
  /** Fast shutdown; after `withinMs` (default 10 s) an immediate one, then SIGKILL. */
  close(options?: { withinMs?: number }): Promise<Exit>
  kill(signal: NodeJS.Signals): void
}

const USER = 'reins'
const DATABASE = 'reins'
/** A free port may be taken between our look and its bind; memory of killed children may take a moment to go. */
const tries = { port: 5, withinMs: 5000, everyMs: 50 }

interface Installation extends PostgresBinaries {
  readonly folder: string
  readonly cluster: string
  readonly logFile: string
  readonly account: Account
  readonly password: string
  readonly withinMs: number
  readonly signal: AbortSignal
}

/** Starts it, over whatever an earlier run left behind; the first time it makes the cluster. Rejects with the end of its log. */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 })
  const folder = realpathSync(options.dataDir)
  const binaries = preparePostgres(options.native ?? nativeFolder(), path.join(folder, 'lib'))
  const password = secretFile(path.join(folder, 'password'))
  const install: Installation = {
    ...binaries,
    folder,
    cluster: path.join(folder, 'cluster'),
    logFile: path.join(folder, 'postgres.log'),
    account: await chooseAccount(folder, binaries.postgres, binaries.env),
    password,
    withinMs: options.readyWithinMs ?? 60_000,
    signal: options.signal ?? new AbortController().signal,
  }
  if (!existsSync(install.cluster)) await makeCluster(install)
  await clearTheWay(install.cluster)
  const tether = options.tether === false ? [] : tetherPrefix('INT')
  const wanted = options.reserved?.port ?? options.port ?? 0
  const deadline = performance.now() + tries.withinMs
  await options.reserved?.release()
  for (let attempt = 1; ; attempt++) {
    const outcome = await attemptStart(install, tether, wanted === 0 ? await freePort() : wanted)
    switch (outcome.kind) {
      case 'running':
        if (options.onExit !== undefined) void outcome.child.exited.then(options.onExit)
        return handle(install, outcome.child, outcome.port, outcome.version)
      case 'failed':
        if (outcome.reason === 'port' && wanted === 0 && attempt < tries.port) continue
        // A port that was free, too, may be of a connection that ends.
        if (mayPass(outcome.reason, options) && performance.now() < deadline && !install.signal.aborted) {
          await delay(tries.everyMs)
          continue
        }
        throw new Error(`${outcome.message} The end of ${install.logFile}:\n${outcome.tail}`)
      default:
        outcome satisfies never
    }
  }
}

const mayPass = (reason: Failure['reason'], { reserved }: PostgresOptions): boolean =>
  reason === 'memory' || (reason === 'port' && reserved !== undefined)

/** Where one in this folder is, on this port: with the password in it. The password is made where there is none; the folder must be there. */
export const postgresUrl = (folder: string, port: number): string =>
  `postgres://${USER}:${secretFile(path.join(folder, 'password'))}@127.0.0.1:${port}/${DATABASE}`

function handle(install: Installation, child: ServerChild, port: number, version: string): RunningPostgres {
  return {
    url: postgresUrl(install.folder, port),
    port,
    pid: child.pid,
    version,
    logFile: install.logFile,
    runsAs: install.account.how,
    close: ({ withinMs = 10_000 } = {}) => child.stop(closing(withinMs)),
    kill: child.kill,
  }
}

// SIGINT: fast shutdown (clients are cut, a checkpoint is written); SIGQUIT: immediate, recovers at the next start.
function closing(withinMs: number) {
  return [
    { signal: 'SIGINT', withinMs },
    { signal: 'SIGQUIT', withinMs: 3000 },
  ] as const
}

async function makeCluster(install: Installation): Promise<void> {
  for (const name of readdirSync(install.folder)) {
    if (name.startsWith('cluster.')) rmSync(path.join(install.folder, name), { recursive: true, force: true })
  }
  // A name of its own: an initdb that outlived the process which started it must not write into this one.
  const draft = path.join(install.folder, `cluster.${randomUUID()}`)
  const pwfile = path.join(install.folder, 'password')
  const logStart = sizeOf(install.logFile)
  const { initdb, madeFolder } = runnableInitdb(install.initdb)
  const child = await startChild(
    as(install, [
      initdb,
      ...[
        '-D',
        draft,
        '-U',
        USER,
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
      ],
      ...['--auth=scram-sha-256', `--pwfile=${pwfile}`, '--no-instructions'],
      // Postgres ends where it finds no room for the next segment: 1 MB is there also on a disk on which 16 MB are not.
      '--wal-segsize=1',
    ]),
  )
  const ended = await until(() => child.exit() !== undefined, {
    signal: install.signal,
    withinMs: install.withinMs,
    everyMs: 10,
  })
  const exit = ended ? child.exit() : await child.stop([{ signal: 'SIGTERM', withinMs: 2000 }])
  if (madeFolder !== undefined) rmSync(madeFolder, { recursive: true, force: true })
  if (exit?.code !== 0) {
    const how = ended
      ? `initdb ended with ${exit?.signal ?? `code ${exit?.code}`}`
      : install.signal.aborted
        ? 'initdb was stopped'
        : `initdb took more than ${install.withinMs} ms`
    throw new Error(
      `Reins could not create the data of Postgres: ${how}. The end of ${install.logFile}:\n${logTail(install.logFile, logStart)}`,
    )
  }
  renameSync(draft, install.cluster)
}

/** PG3. */
async function clearTheWay(cluster: string): Promise<void> {
  await stopOrphans(findProcesses(['-D', cluster]), closing(10_000))
  const orphans = () => findProcessesIn('postgres', cluster)
  await until(() => orphans().length === 0, { withinMs: 3000, everyMs: 20 })
  await stopOrphans(orphans(), [{ signal: 'SIGQUIT', withinMs: 2000 }])
  const pidFile = path.join(cluster, 'postmaster.pid')
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8').split('\n')[0]) : 0
  if (pid > 0 && identify(pid) !== undefined) rmSync(pidFile)
}

type Attempt =
  | { readonly kind: 'running'; readonly child: ServerChild; readonly port: number; readonly version: string }
  | Failure

interface Failure {
  readonly kind: 'failed'
  readonly reason: 'port' | 'memory' | 'other'
  readonly message: string
  readonly tail: string
}

async function attemptStart(install: Installation, tether: readonly string[], port: number): Promise<Attempt> {
  const logStart = sizeOf(install.logFile)
  const settings = [
    ...[`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'logging_collector=off'],
    // After a crash, all files at once: to open and sync each by itself takes longer than all else of the recovery.
    ...(process.platform === 'linux' ? ['recovery_init_sync_method=syncfs'] : []),
  ]
  const child = await startChild(
    as(install, [
      ...tether,
      install.postgres,
      '-D',
      install.cluster,
      ...settings.flatMap((setting) => ['-c', setting]),
    ]),
  )
  let last = 'it has not answered'
  let version: string | undefined
  try {
    await until(
      async () => {
        if (child.exit() !== undefined) return true
        if (isStarting(install.cluster, child.pid)) return false
        const answer = await greet(port, install.password)
        if (answer.kind === 'ready') version = answer.version
        else last = answer.why
        return version !== undefined
      },
      { withinMs: install.withinMs, everyMs: 15, signal: install.signal },
    )
  } catch (error) {
    last = error instanceof Error ? error.message : String(error)
  }
  if (version !== undefined && child.exit() === undefined) return { kind: 'running', child, port, version }
  const exit = child.exit()
  if (exit === undefined) await child.stop(closing(2000))
  const tail = logTail(install.logFile, logStart)
  const message =
    exit === undefined
      ? `Postgres was not ready within ${install.withinMs} ms (${last}).`
      : `Postgres ended at its start (${exit.signal ?? `code ${exit.code}`}).`
  return { kind: 'failed', reason: reasonIn(tail), message, tail }
}

/** By what Postgres writes down of itself: whoever asks it while it recovers costs it a process, and lines in its log. */
function isStarting(cluster: string, pid: number): boolean {
  try {
    const [written, ...others] = readFileSync(path.join(cluster, 'postmaster.pid'), 'utf8').split('\n')
    return Number(written) === pid && !/^(ready|standby)\b/.test(others[6] ?? '')
  } catch {
    return false // not there yet, or not for us to read: it is asked
  }
}

function reasonIn(tail: string): 'port' | 'memory' | 'other' {
  if (/could not bind|could not create any TCP\/IP sockets/.test(tail)) return 'port'
  if (/pre-existing shared memory block|lock file "postmaster.pid" already exists/.test(tail)) return 'memory'
  return 'other'
}

type Greeting =
  | { readonly kind: 'ready'; readonly version: string }
  | { readonly kind: 'not-yet'; readonly why: string }

async function greet(port: number, password: string): Promise<Greeting> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: USER,
    password,
    database: 'postgres',
    connectionTimeoutMillis: 2000,
  })
  client.on('error', () => {}) // a server that goes away while it starts is seen by its exit
  try {
    await client.connect()
    const { rows } = await client.query<{ version: string; made: boolean }>(
      'select current_setting($1) as version, exists(select from pg_database where datname = $2) as made',
      ['server_version', DATABASE],
    )
    if (rows[0]?.made === false) await client.query(`create database ${DATABASE}`)
    return { kind: 'ready', version: rows[0]?.version ?? 'unknown' }
  } catch (error) {
    // A wrong password is for ever; everything else may pass (recovery takes its time).
    if (error instanceof Error && 'code' in error && error.code === '28P01') throw error
    return { kind: 'not-yet', why: error instanceof Error ? error.message : String(error) }
  } finally {
    await client.end().catch(() => {})
  }
}

function as(install: Installation, argv: readonly string[]): ServerCommand {
  const { prefix, uid, gid } = install.account
  const [program = '', ...args] = [...prefix, ...argv]
  return {
    argv: [program, ...args],
    logFile: install.logFile,
    env: { LC_ALL: 'C', TZ: 'UTC', ...install.env },
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  }
}

async function freePort(): Promise<number> {
  const { port, release } = await reservePort()
  await release()
  return port
}

/** The caller releases it. */
export async function reservePort(): Promise<ReservedPort> {
  const server = createServer((socket) => socket.destroy())
  server.on('error', () => {}) // before it listens, `once` says it; behind that nobody needs it
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  let released: Promise<unknown> | undefined
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    release: async () => {
      released ??= server[Symbol.asyncDispose]()
      await released
    },
  }
}
