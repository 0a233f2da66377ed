// Logging: one JSON line a fact, to stderr; secrets are masked before a line is built.
import { pino } from 'pino'

export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Log
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Writes to stderr, or to `destination` (a file's path), which only its owner may read. */
export function createLog(options: {
  readonly service?: string
  readonly level: LogLevel
  readonly destination?: string
}): Log {
  const { service, level, destination } = options
  return pino(
    {
      level,
      base: service === undefined ? {} : { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: [
          'authorization',
          'headers.authorization',
          'req.headers.authorization',
          'token',
          'password',
          'apiKey',
          'secret',
          '*.token',
          '*.password',
          '*.apiKey',
        ],
        censor: '[redacted]',
      },
    },
    pino.destination({ dest: destination ?? 2, sync: false, mkdir: true, mode: 0o600 }),
  )
}

export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}
