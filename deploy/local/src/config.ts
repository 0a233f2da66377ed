// What `reins up`, `service` and `doctor` take from flags and the environment. Pure and total: every mistake is named with a valid value.
import os from 'node:os'
import path from 'node:path'
import { brokerServers } from '@reins/broker'
import { type BudgetLimits, durationMs, type SessionStreamCount } from '@reins/contracts'
import { type CompatibleConfig, loadModelsConfig, type ModelsConfig } from '@reins/models'
import { parseKeyring } from '@reins/secrets'
import { ConfigError, type Env, Environment } from '@reins/service'
import { type DelegationCeilings, defaultCeilings } from '@reins/session'
import { loadGatewaySettings } from '@reins/session-gateway'
import type { LogLevel } from '@reins/telemetry'
import { loadTraceSettings, type TraceSettings } from '@reins/trace'
import type { DiskLimits } from './data/disk-budget.ts'
import { hearing, type Misspelt, misspelt } from './known-settings.ts'
import { machineMemoryMb } from './machine-memory.ts'
import { secretsInUrls } from './servers/external.ts'

export interface LocalFlags {
  readonly dataDir?: string
  readonly port?: string
  readonly host?: string
  readonly durability?: string
  readonly workspaceRoot?: string
  readonly label?: readonly string[]
  readonly concurrency?: string
  readonly waitingCalls?: string
  readonly allowUnsandboxedShell?: boolean
  readonly allowShellNetwork?: boolean
  readonly allowNestedWorkspaces?: boolean
  readonly shellMemory?: string
  readonly logLevel?: string
}

export interface LocalConfig {
  /** Absolute; not opened yet. */
  readonly dataDir: string
  readonly gateway: ReturnType<typeof loadGatewaySettings>
  readonly durability: 'fsync' | 'interval'
  readonly natsUrl: string | undefined
  readonly databaseUrl: string | undefined
  /** The folder with keys of roles, absolute; undefined: the data folder, where the servers are its own. */
  readonly keysDir: string | undefined
  readonly natsServer: string | undefined
  readonly cacheDir: string
  readonly searchPath: string
  readonly replicas: 1 | 3
  /** How many streams hold the sessions, where none is there yet. */
  readonly sessionStreams: SessionStreamCount
  /** Sessions that are at rest for so long go to the archive; undefined: none does. ms */
  readonly archiveAfterMs: number | undefined
  /** How often memory reads all that lies in the archive. ms */
  readonly archiveLookEveryMs: number
  /** The broker with the user of the archivist, where the server is not the data folder's own. */
  readonly archiveNatsUrl: string | undefined
  readonly ackWaitMs: number
  /** Where relative workspaces are resolved. Absolute. */
  readonly workspaceRoot: string
  /** Where each agent that names no workspace has its own. undefined: the operator named a root, which is everybody's. Absolute. */
  readonly ownWorkspaces: string | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly concurrency: number
  /** Model calls in flight, or tool calls that take long, at once: they wait, and take no slot of those above. */
  readonly waitingCalls: number
  /** Whether a model call may go out together with its announcement. */
  readonly earlyModelCalls: boolean
  /** MB of memory that an executor keeps sessions at rest in, to go on with them without a read. */
  readonly sessionCacheMb: number
  /** What no definition exceeds when it delegates. */
  readonly ceilings: DelegationCeilings
  /** What any session may use at most; empty: as much as its own budget says. */
  readonly budgetCeiling: BudgetLimits
  /** A table of what models cost, absolute; undefined: what the product knows. */
  readonly pricesFile: string | undefined
  /** How full the disk of the data folder may get. */
  readonly disk: DiskLimits
  readonly allowUnsandboxedShell: boolean
  readonly allowShellNetwork: boolean
  /** Whether an agent may work in a folder that holds another agent's. */
  readonly allowNestedWorkspaces: boolean
  /** Of a command and all that it starts; 0: no limit. */
  readonly shellMemoryMb: number
  readonly allowPrivateWebhooks: boolean
  readonly logLevel: LogLevel
  /** Where a service that runs alone answers /metrics and /health; undefined: nowhere. 0: a port that is free. */
  readonly metricsPort: number | undefined
  readonly metricsHost: string
  /** Where spans are exported to. */
  readonly traces: TraceSettings
  readonly models: ModelsConfig
  /** Names of the variables that hold keys of models, and whether each is set. */
  readonly modelKeys: readonly { readonly name: string; readonly set: boolean }[]
  /** Keys of secrets, as libs/secrets reads them; undefined: in a file. */
  readonly secretsKey: string | undefined
  /** Absolute; undefined: in the data folder. */
  readonly secretsKeyFile: string | undefined
  /** Values that must never be shown. */
  readonly secrets: readonly string[]
  /** The names of all settings: what the environment was asked for. */
  readonly settings: readonly string[]
  /** Variables that were given and are no settings, but look like one that somebody misspelt. */
  readonly misspelt: readonly Misspelt[]
  /** Tests only: where to stop. */
  readonly pauseAt: string | undefined
}

export const processEnvironment = (): Env => process.env
export const currentFolder = (): string => process.cwd()

/** Throws a ConfigError that lists everything that is wrong. */
export function loadLocalConfig(env: Env, flags: LocalFlags, cwd: string): LocalConfig {
  const given = settingsOf(flags)
  const { heard: withFlags, asked } = hearing({
    ...env,
    ...Object.fromEntries(given.map(({ name, value }) => [name, value])),
  })
  const read = new Environment(withFlags, new Map(given.map(({ name, flag }) => [name, flag])))
  const models = loadModelsConfig(withFlags)
  if (models.kind === 'invalid') for (const error of models.errors) read.problem(error)
  const traces = loadTraceSettings(withFlags)
  for (const problem of traces.problems) read.problem(problem)
  const natsUrl = read.text('NATS_URL')
  if (natsUrl !== undefined && !isNatsUrl(natsUrl))
    read.problem(
      'NATS_URL is not a URL of NATS. Give one such as NATS_URL=nats://user:password@127.0.0.1:4222, or those of a cluster, separated by commas.',
    )
  const databaseUrl = read.text('DATABASE_URL')
  if (databaseUrl !== undefined && !/^postgres(ql)?:\/\//.test(databaseUrl))
    read.problem(
      'DATABASE_URL is not a URL of Postgres. Give one such as DATABASE_URL=postgres://user:password@127.0.0.1:5432/reins',
    )
  const archiveNatsUrl = read.text('REINS_ARCHIVE_NATS_URL')
  if (archiveNatsUrl !== undefined && !isNatsUrl(archiveNatsUrl))
    read.problem(
      'REINS_ARCHIVE_NATS_URL is not a URL of NATS. Give one such as REINS_ARCHIVE_NATS_URL=nats://reins-archivist:password@127.0.0.1:4222',
    )
  const home = read.text('HOME') ?? os.tmpdir()
  const cacheHome = read.text('XDG_CACHE_HOME') ?? path.join(home, '.cache')
  const config = {
    dataDir: path.resolve(cwd, read.text('REINS_DATA_DIR', '.reins')),
    durability: read.oneOf('REINS_DURABILITY', 'fsync', ['fsync', 'interval'] as const),
    natsUrl,
    databaseUrl,
    keysDir: fileNamed(read, 'REINS_KEYS_DIR', cwd),
    natsServer: read.text('REINS_NATS_SERVER'),
    cacheDir: path.join(cacheHome, 'reins'),
    searchPath: read.text('PATH', ''),
    replicas: read.oneOf('REINS_REPLICAS', '1', ['1', '3'] as const) === '3' ? (3 as const) : (1 as const),
    sessionStreams: read.oneOf('REINS_SESSION_STREAMS', '1', ['1', '4'] as const) === '4' ? (4 as const) : (1 as const),
    archiveAfterMs: timeOf(read, 'REINS_ARCHIVE_AFTER', '30d'),
    archiveLookEveryMs: timeOf(read, 'REINS_ARCHIVE_LOOK_EVERY', '1d') ?? durationMs('1d'),
    archiveNatsUrl,
    ackWaitMs: read.integer('REINS_ACK_WAIT_MS', 5000, { min: 200, max: 600_000 }),
    workspaceRoot: path.resolve(cwd, read.text('REINS_WORKSPACE_ROOT', '.')),
    ownWorkspaces:
      read.text('REINS_WORKSPACE_ROOT') === undefined
        ? ownWorkspaces(path.resolve(cwd, read.text('REINS_DATA_DIR', '.reins')))
        : undefined,
    labels: read.labels('REINS_LABELS'),
    concurrency: read.integer('REINS_CONCURRENCY', 64, { min: 1, max: 10_000 }),
    waitingCalls: read.integer('REINS_WAITING_CALLS', 1000, { min: 1, max: 100_000 }),
    earlyModelCalls: read.flag('REINS_EARLY_MODEL_CALLS', true),
    sessionCacheMb: read.integer('REINS_SESSION_CACHE_MB', 128, { min: 1, max: 65_536 }),
    ceilings: {
      maxDepth: read.integer('REINS_MAX_DELEGATION_DEPTH', defaultCeilings.maxDepth, { min: 0, max: 100 }),
      maxFanOut: read.integer('REINS_MAX_DELEGATION_FAN_OUT', defaultCeilings.maxFanOut, { min: 1, max: 1_000 }),
      maxPerTurn: read.integer('REINS_MAX_DELEGATIONS_PER_TURN', defaultCeilings.maxPerTurn, { min: 1, max: 10_000 }),
      maxSessions: read.integer('REINS_MAX_TREE_SESSIONS', defaultCeilings.maxSessions, { min: 1, max: 100_000 }),
    },
    budgetCeiling: budgetCeilingOf(read),
    pricesFile: fileNamed(read, 'REINS_PRICES_FILE', cwd),
    disk: {
      newSessionsPercent: read.integer('REINS_DISK_NEW_SESSIONS_PERCENT', 90, { min: 1, max: 100 }),
      appendsPercent: read.integer('REINS_DISK_APPENDS_PERCENT', 97, { min: 1, max: 100 }),
    },
    allowUnsandboxedShell: read.flag('REINS_ALLOW_UNSANDBOXED_SHELL', false),
    allowShellNetwork: read.flag('REINS_ALLOW_SHELL_NETWORK', false),
    allowNestedWorkspaces: read.flag('REINS_ALLOW_NESTED_WORKSPACES', false),
    shellMemoryMb: read.integer('REINS_SHELL_MEMORY_MB', Math.floor(machineMemoryMb() / 2), {
      min: 0,
      max: 100_000_000,
    }),
    allowPrivateWebhooks: read.flag('REINS_ALLOW_PRIVATE_WEBHOOKS', false),
    logLevel: read.oneOf('REINS_LOG_LEVEL', 'info', ['debug', 'info', 'warn', 'error', 'silent'] as const),
    metricsPort:
      read.text('REINS_METRICS_PORT') === undefined
        ? undefined
        : read.integer('REINS_METRICS_PORT', 9464, { min: 0, max: 65_535 }),
    metricsHost: read.text('REINS_METRICS_HOST', '127.0.0.1'),
    pauseAt: read.text('REINS_PAUSE_AT'),
    secretsKey: read.text('REINS_SECRETS_KEY'),
    secretsKeyFile: fileNamed(read, 'REINS_SECRETS_KEY_FILE', cwd),
  }
  if (config.secretsKey !== undefined) {
    const problem = keyProblem(config.secretsKey)
    if (problem !== undefined) read.problem(`REINS_SECRETS_KEY is not valid: ${problem}.`)
    if (config.secretsKeyFile !== undefined)
      read.problem('REINS_SECRETS_KEY and REINS_SECRETS_KEY_FILE exclude each other. Set one of them.')
  }
  const gateway = gatewaySettings(withFlags, read)
  read.check()
  if (models.kind === 'invalid') throw new ConfigError(models.errors)
  return {
    ...config,
    traces: traces.settings,
    gateway,
    models: models.config,
    modelKeys: modelKeys(models.config),
    secrets: [
      ...secretsOf(models.config, [natsUrl, databaseUrl, archiveNatsUrl, traces.settings.url]),
      ...(config.secretsKey ?? '').split(/[\s,]+/),
      ...Object.values(traces.settings.headers).flatMap((value) => value.split(' ').filter((word) => word.length >= 8)),
    ],
    settings: [...asked],
    misspelt: misspelt(env, asked),
  }
}

function isNatsUrl(text: string): boolean {
  if (!/^(nats|tls|ws|wss):\/\//.test(text)) return false
  try {
    return brokerServers(text).servers.every((server) => new URL(server).host !== '')
  } catch {
    return false
  }
}

function fileNamed(read: Environment, name: string, cwd: string): string | undefined {
  const file = read.text(name)
  return file === undefined ? undefined : path.resolve(cwd, file)
}

function timeOf(read: Environment, name: string, example: string): number | undefined {
  const text = read.text(name)
  if (text === undefined) return undefined
  if (/^[1-9][0-9]{0,4}(s|m|h|d)$/.test(text)) return durationMs(text)
  read.problem(`${name}="${text}" is not valid. Give a time, such as ${name}=${example}`)
  return undefined
}

/** In the words of a budget: tokens, dollars, calls, a time such as 12h. */
function budgetCeilingOf(read: Environment): BudgetLimits {
  const number = (name: string, example: string): number | undefined => {
    const value = read.text(name)
    if (value === undefined) return undefined
    if (Number(value) > 0 && Number(value) <= 1e12) return Number(value)
    read.problem(`${name}="${value}" is not valid. Give a number above 0, such as ${name}=${example}`)
    return undefined
  }
  const tokens = number('REINS_MAX_BUDGET_TOKENS', '5000000')
  const usd = number('REINS_MAX_BUDGET_USD', '20')
  const toolCalls = number('REINS_MAX_BUDGET_TOOL_CALLS', '1000')
  const wallTime = read.text('REINS_MAX_BUDGET_WALL_TIME')
  const valid = wallTime === undefined || /^[1-9][0-9]{0,4}(s|m|h|d)$/.test(wallTime)
  if (!valid)
    read.problem(
      `REINS_MAX_BUDGET_WALL_TIME="${wallTime}" is not valid. Give a time, such as REINS_MAX_BUDGET_WALL_TIME=12h`,
    )
  return {
    ...(tokens === undefined ? {} : { tokens: Math.floor(tokens) }),
    ...(usd === undefined ? {} : { usd }),
    ...(toolCalls === undefined ? {} : { toolCalls: Math.floor(toolCalls) }),
    ...(wallTime === undefined || !valid ? {} : { wallTime: durationMs(wallTime) }),
  }
}

/** The text is shown to nobody. */
function keyProblem(text: string): string | undefined {
  try {
    parseKeyring(text)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The flags that were given, as the variables that they win over. */
function settingsOf(flags: LocalFlags): readonly { name: string; flag: string; value: string }[] {
  const all: readonly (readonly [name: string, flag: string, value: string | undefined])[] = [
    ['REINS_DATA_DIR', '--data-dir', flags.dataDir],
    ['REINS_PORT', '--port', flags.port],
    ['REINS_HOST', '--host', flags.host],
    ['REINS_DURABILITY', '--durability', flags.durability],
    ['REINS_WORKSPACE_ROOT', '--workspace-root', flags.workspaceRoot],
    ['REINS_CONCURRENCY', '--concurrency', flags.concurrency],
    ['REINS_WAITING_CALLS', '--waiting-calls', flags.waitingCalls],
    ['REINS_LOG_LEVEL', '--log-level', flags.logLevel],
    ['REINS_LABELS', '--label', flags.label && flags.label.length > 0 ? flags.label.join(',') : undefined],
    ['REINS_ALLOW_UNSANDBOXED_SHELL', '--allow-unsandboxed-shell', flags.allowUnsandboxedShell ? '1' : undefined],
    ['REINS_SHELL_MEMORY_MB', '--shell-memory', flags.shellMemory],
    ['REINS_ALLOW_SHELL_NETWORK', '--allow-shell-network', flags.allowShellNetwork ? '1' : undefined],
    ['REINS_ALLOW_NESTED_WORKSPACES', '--allow-nested-workspaces', flags.allowNestedWorkspaces ? '1' : undefined],
  ]
  return all.flatMap(([name, flag, value]) => (value === undefined ? [] : [{ name, flag, value }]))
}

/** Beside the data folder. */
export const ownWorkspaces = (dataDir: string): string => path.join(path.dirname(dataDir), 'workspace')

function gatewaySettings(env: Env, read: Environment): ReturnType<typeof loadGatewaySettings> {
  try {
    return loadGatewaySettings(env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) read.problem(problem)
    return loadGatewaySettings({})
  }
}

function modelKeys({ anthropic, openai, compatible }: ModelsConfig): LocalConfig['modelKeys'] {
  return [
    { name: 'ANTHROPIC_API_KEY', set: anthropic.apiKey !== undefined },
    { name: 'OPENAI_API_KEY', set: openai.apiKey !== undefined },
    ...compatible.flatMap(({ apiKeyEnv, apiKey }: CompatibleConfig) =>
      apiKeyEnv === undefined ? [] : [{ name: apiKeyEnv, set: apiKey !== undefined }],
    ),
  ]
}

/** Of the settings, and of the addresses in them: whoever cannot reach one may say all of it. */
function secretsOf(
  { anthropic, openai, compatible, proxies }: ModelsConfig,
  addresses: readonly (string | undefined)[],
) {
  const keys = [anthropic.apiKey, openai.apiKey, ...compatible.map(({ apiKey }) => apiKey)]
  const inAddresses = [...addresses, ...Object.values(proxies)].flatMap((url) => secretsInUrls(url ?? ''))
  return [...keys, ...inAddresses].flatMap((value) => (value ? [value] : []))
}
