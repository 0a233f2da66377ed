// `reins up`: the whole product in one process, on embedded servers unless others are named; then one ready line.
import { existsSync, mkdirSync, realpathSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import path from 'node:path'
import { brokerServers } from '@reins/broker'
import { archivistUser, moverUser, noSeals, serviceNames } from '@reins/contracts'
import { SecretsRedactor } from '@reins/secrets'
import { type Clock, Closing, type Running } from '@reins/service'
import { createLog } from '@reins/telemetry'
import { type LocalConfig, ownWorkspaces } from '../config.ts'
import { adminToken, openDataDir, tokenHash } from '../data/data-dir.ts'
import { diskState } from '../data/disk-budget.ts'
import { keyFolders, secretsKeys } from '../data/secrets-keys.ts'
import { removeServers, writeServers } from '../data/servers-file.ts'
import { forgetOlderKeys, makeRoleKeys, sealsIn, signingKey } from '../data/signing-key.ts'
import { defaultAgentName, ensureDefaultAgent } from '../default-agent.ts'
import { misspeltText } from '../known-settings.ts'
import { asNatsUser } from '../nats/nats-users.ts'
import { moveOlderSessions } from '../nats/older-sessions.ts'
import { probeFeatures } from '../nats/probe-features.ts'
import { prepareParts, startParts } from '../parts.ts'
import { secretsInUrls } from '../servers/external.ts'
import { startServers } from '../servers/servers.ts'

export interface UpOptions {
  readonly config: LocalConfig
  readonly clock: Clock
  readonly version: string
  /** For people: progress and warnings. */
  readonly say: (line: string) => void
  readonly fatal: (error: Error) => void
  /** Told of each line of the log. */
  readonly hearLog?: (line: string) => void
}

export interface RunningProduct extends Running {
  readonly url: string
  readonly dataDir: string
  readonly model: { readonly model: string; readonly because: string }
  readonly sandbox: string | undefined
  readonly serverPids: () => { readonly nats?: number; readonly postgres?: number }
}

export async function up(options: UpOptions): Promise<RunningProduct> {
  const closing = new Closing()
  try {
    return await start(options, closing)
  } catch (error) {
    await closing.close({ withinMs: 15_000 })
    throw (await fullDisk(options.config, error)) ?? error
  }
}

async function start(
  { config, clock, version, say, fatal, hearLog }: UpOptions,
  closing: Closing,
): Promise<RunningProduct> {
  for (const one of config.misspelt) say(`warning: ${misspeltText(one)}`)
  const dataDir = openDataDir(config.dataDir)
  closing.add('data folder', () => dataDir.release())
  const token = adminToken(dataDir.path)
  const redactor = new SecretsRedactor([...config.secrets, token])
  const log = createLog({
    level: config.logLevel,
    destination: path.join(dataDir.path, 'logs', 'reins.log'),
    redact: (line) => redactor.text(line),
    ...(hearLog ? { told: hearLog } : {}),
  })
  // To load the code of services keeps this process busy: the servers run by then, and get ready meanwhile.
  let prepared: ReturnType<typeof prepareParts> | undefined
  const servers = await startServers(config, dataDir.path, log, say, () => {
    prepared = prepareParts(config, serviceNames)
  })
  closing.add('servers', () => servers.close())

  const mover = servers.users.find(({ user }) => user === moverUser)
  if (mover) {
    const wanted = config.sessionStreams > 1
    const archived = config.archiveAfterMs !== undefined
    const { natsUrl: url } = servers
    await moveOlderSessions({ wanted, archived, dataDir: dataDir.path, url, mover, pauseAt: config.pauseAt, say, log })
  }

  redactor.learn([
    ...servers.users.map(({ password }) => password),
    ...Object.values(servers.databaseUrls).flatMap(secretsInUrls),
  ])

  const keysFolder = config.keysDir ?? (config.natsUrl === undefined ? dataDir.path : undefined)
  if (keysFolder === dataDir.path) makeRoleKeys(keysFolder)

  const parts = await startParts({
    config,
    names: serviceNames,
    natsUrl: servers.natsUrl,
    archivistUrl: asNatsUser(servers.natsUrl, servers.users, archivistUser),
    databaseUrls: servers.databaseUrls,
    databaseReady: servers.databaseReady,
    servers: servers.health,
    ...(config.natsUrl === undefined ? { diskOf: dataDir.path } : {}),
    masked: [dataDir.path, ...keyFolders(config)],
    keys: secretsKeys(config, dataDir.path),
    seals: keysFolder === undefined ? noSeals() : sealsIn(keysFolder, serviceNames),
    sign: signingKey(dataDir.path),
    adminTokenHash: tokenHash(token),
    redactor,
    version,
    clock,
    log,
    logLost: log.lost,
    fatal,
    sayPaused: say,
    ...(prepared ? { prepared } : {}),
  })
  closing.add('services', () => parts.close({ withinMs: 20_000 }))
  // The registry has sealed all that an older key of its had sealed.
  if (keysFolder === dataDir.path) forgetOlderKeys(keysFolder, 'registry')
  await checkFeatures(parts.broker.nc, servers.sync, say)

  const model = parts.models.defaultModel()
  const workspace = path.join(ownWorkspaces(dataDir.path), defaultAgentName)
  mkdirSync(workspace, { recursive: true })
  await ensureDefaultAgent(parts.broker, parts.registry, model.model, realpathSync(workspace))

  const { servers: brokers, username, password = '' } = brokerServers(servers.natsUrl)
  writeServers(dataDir.path, {
    natsUrl: brokers.join(','),
    ...(config.natsUrl === undefined ? {} : { named: true }),
    // On a server of somebody else, each service is the user that NATS_URL names.
    users: Object.fromEntries(
      config.natsUrl === undefined
        ? servers.users
            .filter(({ user }) => serviceNames.some((name) => name === user))
            .map((one) => [one.user, { user: one.user, password: one.password }])
        : serviceNames.flatMap((name) => (username === undefined ? [] : [[name, { user: username, password }]])),
    ),
    databaseUrls: servers.databaseUrls,
    replicas: config.replicas,
  })
  closing.add('servers file', () => removeServers(dataDir.path))
  const failure = servers.failure()
  if (failure) throw failure
  const url = parts.url ?? ''
  dataDir.announce(url)
  return {
    close: (closeOptions) => closing.close(closeOptions),
    url,
    dataDir: dataDir.path,
    model,
    sandbox: parts.health().sandbox,
    serverPids: servers.pids,
  }
}

/** What could not start on a full disk fails in many ways: one error names the cause. undefined: the disk is not full. */
async function fullDisk({ dataDir, disk }: LocalConfig, error: unknown): Promise<Error | undefined> {
  const folder = existsSync(dataDir) ? dataDir : path.dirname(dataDir)
  const space = await statfs(folder).catch(() => undefined)
  if (space === undefined || diskState(space, disk).level !== 'no-appends') return undefined
  const why = error instanceof Error ? error.message : String(error)
  return new Error(`Reins cannot start: the disk of ${folder} is full. Make room, and start again. (${why})`)
}

async function checkFeatures(
  nc: Parameters<typeof probeFeatures>[0],
  sync: Parameters<typeof probeFeatures>[1]['sync'],
  say: (line: string) => void,
): Promise<void> {
  const missing = (await probeFeatures(nc, { sync })).filter(({ ok }) => !ok)
  const needed = missing.filter(({ required }) => required)
  if (needed.length > 0)
    throw new Error(
      [
        'This nats-server lacks what Reins needs:',
        ...needed.map(({ feature, why, need }) => `  ${feature}: ${why}. ${need}`),
      ].join('\n'),
    )
  for (const { why, need } of missing) say(`warning: nats-server: ${why}. ${need}`)
}
