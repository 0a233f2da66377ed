// The gateway's settings, from the environment; everything else that it needs is handed to `start`.
import { isProjectName } from '@reins/contracts'
import { type Env, Environment } from '@reins/service'
import { type OidcSettings, readOidcSettings } from './access/oidc/settings.ts'

export interface GatewaySettings {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Host names, without port, besides the loopback names. */
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  /** The project that has the addresses that nobody else has, where there are several; undefined: none has them. */
  readonly rootProject?: string | undefined
  /** Whether /metrics needs no token. */
  readonly publicMetrics: boolean
  /** Where people sign in; undefined: the gateway knows tokens of Reins alone. */
  readonly oidc?: OidcSettings | undefined
  readonly limits: Limits
}

export interface Limits {
  readonly maxBodyBytes: number
  /** ms in which a request must have been sent to its end, body and all. */
  readonly requestWithinMs: number
  /** Of a message's content, as JSON. A frame must fit into one message of the broker. */
  readonly maxMessageBytes: number
  readonly maxStreams: number
  /** What may wait in one stream for its reader, in this process and in the system's socket. */
  readonly maxStreamBufferBytes: number
  /** The same of all streams together. */
  readonly maxStreamsBufferBytes: number
  /** ms that a reader may take nothing although something waits for it. */
  readonly drainWithinMs: number
  /** ms between looks at how far readers have come. */
  readonly lookEveryMs: number
  readonly heartbeatMs: number
  /** ms that an append may take before the client is told `unavailable`. */
  readonly appendWithinMs: number
  /** ms that `?wait=turn` waits. */
  readonly turnWithinMs: number
  /** Readings of LIVE that are under way at once. */
  readonly refillsAtOnce: number
  /** Tokens for viewers, a second, above which only the first viewers of a session get each at once (streams/readers/pace.ts). */
  readonly promptTokensPerSecond: number
  /** Wrong tokens from one address, a minute; 0: no limit. */
  readonly wrongTokensPerMinute: number
  /** Requests of one principal that cost much, a minute; 0: no limit. */
  readonly costlyRequestsPerMinute: number
  /** ms between looks at whether the tokens of open streams are good. */
  readonly leaseLookEveryMs: number
  /** ms that the app of a project may take of its own before it begins an answer. */
  readonly appAnswerMs: number
  readonly headsKept: number
  readonly foldsKept: number
  /** What the kept folds may take together, about, and one session alone. */
  readonly foldsKeptBytes: number
  readonly maxSessionBytes: number
  /** Messages that may wait for their turn in one session, and their bytes. */
  readonly maxWaitingMessages: number
  readonly maxWaitingBytes: number
  /** Of one principal that may not do everything; 0: no limit. */
  readonly writesPerMinute: number
  readonly bytesPerMinute: number
  readonly sessionsPerMinute: number
  readonly readsPerMinute: number
  readonly readsAtOnce: number
  readonly streamsPerPrincipal: number
}

export const defaultLimits: Limits = {
  appAnswerMs: 30_000,
  maxBodyBytes: 2_000_000,
  requestWithinMs: 60_000,
  maxMessageBytes: 1_000_000,
  maxStreams: 20_000,
  maxStreamBufferBytes: 1_000_000,
  maxStreamsBufferBytes: 64_000_000,
  drainWithinMs: 30_000,
  lookEveryMs: 500,
  heartbeatMs: 15_000,
  appendWithinMs: 10_000,
  turnWithinMs: 600_000,
  refillsAtOnce: 8,
  promptTokensPerSecond: 50_000,
  wrongTokensPerMinute: 100,
  costlyRequestsPerMinute: 60,
  leaseLookEveryMs: 1000,
  headsKept: 10_000,
  foldsKept: 64,
  foldsKeptBytes: 128_000_000,
  maxSessionBytes: 256_000_000,
  maxWaitingMessages: 1000,
  maxWaitingBytes: 16_000_000,
  writesPerMinute: 6000,
  bytesPerMinute: 64_000_000,
  sessionsPerMinute: 600,
  readsPerMinute: 12_000,
  readsAtOnce: 4,
  streamsPerPrincipal: 2000,
}

export const defaultPort = 7420

/** Pure and total but for the ConfigError that lists every problem at once. */
export function loadGatewaySettings(env: Env): GatewaySettings {
  const read = new Environment(env)
  const share = (name: string, by: number): number => read.integer(name, by, { min: 0, max: 1_000_000_000 })
  const settings: GatewaySettings = {
    host: read.text('REINS_HOST', '127.0.0.1'),
    port: read.integer('REINS_PORT', defaultPort, { min: 0, max: 65_535 }),
    allowedHosts: list(read.text('REINS_ALLOWED_HOSTS', '').toLowerCase()),
    allowedOrigins: list(read.text('REINS_ALLOWED_ORIGINS', '')),
    rootProject: projectNamed(read, 'REINS_ROOT_PROJECT'),
    publicMetrics: read.flag('REINS_PUBLIC_METRICS', false),
    oidc: readOidcSettings(read),
    limits: {
      ...defaultLimits,
      maxStreams: read.integer('REINS_MAX_STREAMS', defaultLimits.maxStreams, { min: 1, max: 1_000_000 }),
      maxStreamBufferBytes: read.integer('REINS_STREAM_BUFFER_BYTES', defaultLimits.maxStreamBufferBytes, {
        min: 65_536,
        max: 100_000_000,
      }),
      maxStreamsBufferBytes: read.integer('REINS_STREAMS_BUFFER_BYTES', defaultLimits.maxStreamsBufferBytes, {
        min: 1_000_000,
        max: 10_000_000_000,
      }),
      wrongTokensPerMinute: read.integer('REINS_WRONG_TOKENS_PER_MINUTE', defaultLimits.wrongTokensPerMinute, {
        min: 0,
        max: 1_000_000,
      }),
      costlyRequestsPerMinute: read.integer('REINS_COSTLY_REQUESTS_PER_MINUTE', defaultLimits.costlyRequestsPerMinute, {
        min: 0,
        max: 1_000_000,
      }),
      maxSessionBytes:
        1_000_000 *
        read.integer('REINS_MAX_SESSION_MB', defaultLimits.maxSessionBytes / 1_000_000, { min: 1, max: 100_000 }),
      writesPerMinute: share('REINS_WRITES_PER_MINUTE', defaultLimits.writesPerMinute),
      bytesPerMinute: share('REINS_BYTES_PER_MINUTE', defaultLimits.bytesPerMinute),
      sessionsPerMinute: share('REINS_SESSIONS_PER_MINUTE', defaultLimits.sessionsPerMinute),
      readsPerMinute: share('REINS_READS_PER_MINUTE', defaultLimits.readsPerMinute),
      readsAtOnce: share('REINS_READS_AT_ONCE', defaultLimits.readsAtOnce),
      streamsPerPrincipal: share('REINS_STREAMS_PER_PRINCIPAL', defaultLimits.streamsPerPrincipal),
      turnWithinMs: read.integer('REINS_TURN_WAIT_MS', defaultLimits.turnWithinMs, { min: 1000, max: 86_400_000 }),
    },
  }
  read.check()
  return settings
}

function projectNamed(read: Environment, variable: string): string | undefined {
  const name = read.text(variable)
  if (name === undefined || isProjectName(name)) return name
  read.problem(`${variable}="${name}" is not valid. Give the name of a project, such as ${variable}=support`)
  return undefined
}

const list = (text: string): readonly string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
