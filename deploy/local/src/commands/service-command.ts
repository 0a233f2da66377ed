// `reins service <name>`: one service as a process of its own, beside a running `reins up` on the same data folder, or on NATS_URL and DATABASE_URL.

import { existsSync, realpathSync } from 'node:fs'
import { serverUrls } from '@reins/broker'
import { archivistUser, noSeals, type ServiceName } from '@reins/contracts'
import { SecretsRedactor } from '@reins/secrets'
import type { Clock, Running } from '@reins/service'
import { createLog } from '@reins/telemetry'
import type { LocalConfig } from '../config.ts'
import { adminToken, tokenHash } from '../data/data-dir.ts'
import { keyFolders, secretsKeys } from '../data/secrets-keys.ts'
import { readServers } from '../data/servers-file.ts'
import { sealsIn, signingKey } from '../data/signing-key.ts'
import { misspeltText } from '../known-settings.ts'
import { asNatsUser, natsUsers } from '../nats/nats-users.ts'
import { startParts } from '../parts.ts'
import { secretsInUrls } from '../servers/external.ts'

export interface ServiceOptions {
  readonly config: LocalConfig
  readonly name: ServiceName
  readonly clock: Clock
  readonly version: string
  readonly say: (line: string) => void
  readonly fatal: (error: Error) => void
}

/** Rejects with an Error that says where the servers would have to be named. */
export async function runService({
  config,
  name,
  clock,
  version,
  say,
  fatal,
}: ServiceOptions): Promise<Running & { readonly url: string | undefined }> {
  for (const one of config.misspelt) say(`warning: ${misspeltText(one)}`)
  const { natsUrl, databaseUrl, named } = serversOf(config, name)
  const dataDir = existsSync(config.dataDir) ? realpathSync(config.dataDir) : undefined
  // With servers of others, whose keys this process's data folder would hold nobody knows.
  const keysFolder = config.keysDir ?? (named ? undefined : dataDir)
  const signingFolder = config.keysDir ?? dataDir
  const token = name === 'registry' && dataDir !== undefined ? adminToken(dataDir) : undefined
  const redactor = new SecretsRedactor([
    ...config.secrets,
    ...secretsInUrls(natsUrl),
    ...secretsInUrls(databaseUrl ?? ''),
    ...(token === undefined ? [] : [token]),
  ])
  const log = createLog({ level: config.logLevel, redact: (line) => redactor.text(line) })
  return startParts({
    config,
    names: [name],
    natsUrl,
    archivistUrl:
      name === 'memory' && dataDir !== undefined && !named
        ? asNatsUser(natsUrl, natsUsers(dataDir), archivistUser)
        : undefined,
    databaseUrls: databaseUrl === undefined ? {} : { [name]: databaseUrl },
    ...(dataDir === undefined || named ? {} : { diskOf: dataDir }),
    masked: [...(dataDir === undefined ? [] : [dataDir]), ...keyFolders(config)],
    keys: name === 'registry' ? secretsKeys(config, dataDir) : undefined,
    seals: keysFolder === undefined ? noSeals() : sealsIn(keysFolder, [name]),
    sign: name === 'session-gateway' && signingFolder !== undefined ? signingKey(signingFolder) : undefined,
    adminTokenHash: token === undefined ? undefined : tokenHash(token),
    redactor,
    version,
    clock,
    log,
    logLost: log.lost,
    fatal,
    sayPaused: say,
  })
}

/** Where the servers are, with the credentials of this service's user. `named`: the broker is no server of the data folder. */
export function serversOf(
  config: LocalConfig,
  name: ServiceName,
): { natsUrl: string; databaseUrl: string | undefined; named: boolean } {
  if (config.natsUrl !== undefined) return { natsUrl: config.natsUrl, databaseUrl: config.databaseUrl, named: true }
  const servers = readServers(config.dataDir)
  if (!servers)
    throw new Error(
      `Reins does not know where its servers are: NATS_URL is not set, and no "reins up" runs on ${config.dataDir}.\n` +
        'Start "reins up" first, name its data folder with --data-dir, or set NATS_URL (and DATABASE_URL for registry and memory).',
    )
  const [first, ...others] = serverUrls(servers.natsUrl)
  const url = new URL(first)
  const user = servers.users[name]
  if (user) {
    // The URL is read back by decodeURIComponent, so nothing may stand in it that only a URL's own encoding leaves alone.
    url.username = encodeURIComponent(user.user)
    url.password = encodeURIComponent(user.password)
  }
  const natsUrl = [url.toString().replace(/\/$/, ''), ...others].join(',')
  return { natsUrl, databaseUrl: config.databaseUrl ?? servers.databaseUrls?.[name], named: servers.named === true }
}
