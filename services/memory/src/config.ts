// Memory's settings from the environment, for a memory that is a process of its own.
import { type Env, Environment } from '@reins/service'
import type { LogLevel } from '@reins/telemetry'

export interface MemoryEnvironment {
  readonly natsUrl: string
  /** Without: no list of sessions; timers fire all the same. */
  readonly databaseUrl: string | undefined
  readonly logLevel: LogLevel
}

/** Pure. Throws a ConfigError that names each wrong variable, and a valid value. */
export function loadConfig(env: Env): MemoryEnvironment {
  const environment = new Environment(env)
  const natsUrl = environment.text('NATS_URL', 'nats://127.0.0.1:4222')
  const databaseUrl = environment.text('DATABASE_URL')
  if (databaseUrl !== undefined && !/^postgres(ql)?:\/\//.test(databaseUrl))
    environment.problem(
      'DATABASE_URL: a URL of Postgres is valid, such as DATABASE_URL=postgres://user:password@host:5432/reins',
    )
  const logLevel = environment.oneOf('REINS_LOG_LEVEL', 'info', ['debug', 'info', 'warn', 'error', 'silent'])
  environment.check()
  return { natsUrl, databaseUrl, logLevel }
}
