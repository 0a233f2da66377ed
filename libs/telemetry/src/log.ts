// Logging: one JSON line a fact, to stderr; secrets are masked before a line is written.
//   L1. A log that cannot be written (a full disk, a pipe that nobody reads) ends nothing and stops nobody: a megabyte waits, and is
//       written when it can be; what comes beyond that is dropped and counted.
//   L2. A log in a file is put aside when it has grown large (rotation.ts).
import { fstatSync } from 'node:fs'
import { pino } from 'pino'
import { logFile } from './log-file.ts'
import { Rotation } from './rotation.ts'

export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Log
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** The log of a process, which knows what it could not keep. */
export interface ProcessLog extends Log {
  /** Lines that were dropped because nothing could be written. */
  lost(): number
}

const keptBytes = 1_000_000

/** Writes to stderr, or to `destination` (a file's path), which only its owner may read. */
export function createLog(options: {
  readonly service?: string
  readonly level: LogLevel
  readonly destination?: string
  /** Takes secrets out of a line. Default: it stays as it is, but for fields whose names say that they hold one. */
  readonly redact?: (line: string) => string
  /** Told of each line as it is written, without secrets. */
  readonly told?: (line: string) => void
  /** Bytes from which on the file is put aside. Default 32 MB, and four of them are kept. */
  readonly mostBytes?: number
}): ProcessLog {
  const { service, level, destination, redact = (line: string) => line, told, mostBytes = 32_000_000 } = options
  const file = destination === undefined ? undefined : logFile(destination)
  let lost = 0
  const open = (fd: number) => openDestination(fd).on('drop', () => lost++)
  const fd = file?.open() ?? 2
  let stream = open(fd)
  const rotation =
    file &&
    new Rotation({
      ...{ file, mostBytes, kept: 4, bytes: fstatSync(fd).size },
      reopen: () => {
        const before = stream
        stream = reopened(file, open) ?? before
        // What waits goes to the file that was put aside, which is closed then.
        if (stream !== before) before.end()
      },
    })
  const log = pino(
    {
      level,
      base: service === undefined ? {} : { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      // Else an error is written as {}.
      serializers: { error: pino.stdSerializers.err },
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
    {
      write(line: string) {
        const written = redact(line)
        stream.write(written)
        told?.(written)
        rotation?.wrote(written.length)
      },
    },
  )
  return Object.assign(log, { lost: () => lost })
}

/** undefined: a link stands in its place (LF1), and what is written goes on to where it went. */
function reopened<T>(file: { open(): number }, use: (fd: number) => T): T | undefined {
  try {
    return use(file.open())
  } catch {
    return undefined
  }
}

/** L1. */
function openDestination(fd: number): ReturnType<typeof pino.destination> {
  const stream = pino.destination({ dest: fd, sync: false, maxLength: keptBytes })
  // pino's own listener throws what it is told, which would end the process, or stops writing for good.
  stream.removeAllListeners('error')
  stream.on('error', () => {})
  const flush = stream.flushSync.bind(stream)
  stream.flushSync = () => {
    try {
      flush()
    } catch {
      // At the end of the process: there is nobody left to tell.
    }
  }
  return stream
}

export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}
