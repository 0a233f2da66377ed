// The embedded Postgres: a real server on loopback, with a password, everything of it in one folder. The caller owns
// the data folder, so no other live Reins uses this cluster.
//   PG1. A cluster is made aside and renamed: one that was cut off in the making is never started.
//   PG2. Ready means: it answers a query of the user whose password we keep (file `password`, mode 600).
//   PG3. A postmaster that an earlier run left behind is stopped first, and so are the children of one that was killed.
//        `postmaster.pid` is Postgres's own guard: it is removed only when it names a process that is not Postgres.
//   PG4. Loopback TCP and a password, no unix socket: a socket's path may be 107 bytes at most, a data folder's name more.
import { randomUUID } from 'node:crypto'
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
  /** Default: the folder `native` of the installed package. */
  readonly native?: string
  /** Each of the two waits: making the cluster, being ready. Default 60 s. */
  readonly readyWithinMs?: number
  /** Called once it runs, or initdb does: long before it is ready. */
  readonly onSpawn?: () => void
  /** Called once, at its end, wanted or not. */
  readonly onExit?: (exit: Exit) => void
  /** Default true: the server is told to stop when this process dies, where the machine can. */
  readonly tether?: boolean
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
const PORT_TRIES = 5

interface Installation extends PostgresBinaries {
  readonly folder: string
  readonly cluster: string
  readonly logFile: string
  readonly account: Account
  readonly password: string
  readonly withinMs: number
  readonly onSpawn: () => void
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
    account: chooseAccount(folder, binaries.postgres, binaries.env),
    password,
    withinMs: options.readyWithinMs ?? 60_000,
    onSpawn: onceOnly(options.onSpawn),
  }
  if (!existsSync(install.cluster)) await makeCluster(install)
  await clearTheWay(install.cluster)
  const tether = options.tether === false ? [] : tetherPrefix('INT')
  const fixed = options.port === undefined || options.port === 0 ? undefined : options.port
  for (let attempt = 1; ; attempt++) {
    const outcome = await attemptStart(install, tether, fixed ?? (await freePort()))
    switch (outcome.kind) {
      case 'running':
        if (options.onExit !== undefined) void outcome.child.exited.then(options.onExit)
        return handle(install, outcome.child, outcome.port, outcome.version)
      case 'failed':
        // A free port may be taken between our look and its bind; memory of killed children may take a moment to go.
        if (
          attempt < PORT_TRIES &&
          ((outcome.reason === 'port' && fixed === undefined) || outcome.reason === 'memory')
        ) {
          await delay(outcome.reason === 'memory' ? 500 : 0)
          continue
        }
        throw new Error(`${outcome.message} The end of ${install.logFile}:\n${outcome.tail}`)
      default:
        outcome satisfies never
    }
  }
}

function onceOnly(call: () => void = () => {}): () => void {
  let called = false
  return () => {
    if (!called) call()
    called = true
  }
}

function handle(install: Installation, child: ServerChild, port: number, version: string): RunningPostgres {
  return {
    url: `postgres://${USER}:${install.password}@127.0.0.1:${port}/${DATABASE}`,
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
  install.onSpawn()
  const ended = await until(() => child.exit() !== undefined, { withinMs: install.withinMs, everyMs: 10 })
  const exit = ended ? child.exit() : await child.stop([{ signal: 'SIGTERM', withinMs: 2000 }])
  if (madeFolder !== undefined) rmSync(madeFolder, { recursive: true, force: true })
  if (exit?.code !== 0) {
    const how = ended
      ? `initdb ended with ${exit?.signal ?? `code ${exit?.code}`}`
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
  | {
      readonly kind: 'failed'
      readonly reason: 'port' | 'memory' | 'other'
      readonly message: string
      readonly tail: string
    }

async function attemptStart(install: Installation, tether: readonly string[], port: number): Promise<Attempt> {
  const logStart = sizeOf(install.logFile)
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'logging_collector=off']
  const child = await startChild(
    as(install, [
      ...tether,
      install.postgres,
      '-D',
      install.cluster,
      ...settings.flatMap((setting) => ['-c', setting]),
    ]),
  )
  install.onSpawn()
  let last = 'it has not answered'
  let version: string | undefined
  try {
    await until(
      async () => {
        if (child.exit() !== undefined) return true
        const answer = await greet(port, install.password)
        if (answer.kind === 'ready') version = answer.version
        else last = answer.why
        return version !== undefined
      },
      { withinMs: install.withinMs, everyMs: 15 },
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

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
