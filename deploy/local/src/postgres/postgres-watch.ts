// Tells an embedded Postgres that is sick from one that is away: it is asked for a small write, and what it answers is judged.
//   PW1. Sick is one that answers no question, or that cannot write, in its own words. It is not started anew: it recovers by itself, and
//        what keeps it from writing (a full disk, a read-only one) a new start does not change.
//   PW2. One that has ended is not sick: whoever watches its process starts it again.
//   PW3. Silence counts from the second time on: a machine that stands still for a moment makes nobody sick.
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '@reins/telemetry'
import pg from 'pg'

export interface PostgresWatchOptions {
  /** With the password in it. */
  readonly url: string
  /** Where it writes. */
  readonly folder: string
  readonly log: Log
  /** ms between two looks. Default 5000. */
  readonly everyMs?: number
  /** Rejects as a client of Postgres does. Default: a write of some bytes, in a connection that is kept. */
  readonly write?: () => Promise<void>
}

export interface PostgresWatch {
  /** `ok`, or what is wrong. */
  health(): string
  /** Resolves when the look that goes on has ended. */
  close(): Promise<void>
}

const answerWithinMs = 4000

/** The caller closes it before the server. */
export function watchPostgres(options: PostgresWatchOptions): PostgresWatch {
  const stop = new AbortController()
  const { signal } = stop
  const canary = options.write === undefined ? writesTo(options.url) : { write: options.write, close: async () => {} }
  let health = 'ok'
  let silences = 0

  async function look(): Promise<void> {
    const outcome = await canary.write().then(
      (): Outcome => ({ kind: 'well' }),
      (error: unknown) => outcomeOf(error),
    )
    if (signal.aborted) return
    silences = outcome.kind === 'silent' ? silences + 1 : 0
    const before = health
    if (outcome.kind === 'cannot write') health = `Postgres cannot write in ${options.folder}: ${outcome.why}`
    else if (outcome.kind === 'silent')
      health = silences > 1 ? outcome.why : before // PW3
    else if (outcome.kind === 'well') health = 'ok'
    if (before === health) return
    if (health === 'ok') options.log.warn({ server: 'postgres' }, 'the server is well again')
    else options.log.error({ server: 'postgres', err: health }, 'the server is sick')
  }
  async function run(): Promise<void> {
    while (!signal.aborted) {
      await pause(options.everyMs ?? 5000, undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) await look()
    }
    await canary.close()
  }
  const done = run()
  return {
    health: () => health,
    close: () => {
      stop.abort()
      return done
    },
  }
}

type Outcome =
  | { readonly kind: 'well' }
  | { readonly kind: 'away' }
  | { readonly kind: 'cannot write'; readonly why: string }
  | { readonly kind: 'silent'; readonly why: string }

/** By Postgres's own codes, and what the client says of a connection. */
export function outcomeOf(error: unknown): Outcome {
  const why = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  // Starting, stopping, recovering.
  if (code.startsWith('57P')) return { kind: 'silent', why: `Postgres takes no connection yet: ${why}` }
  if (/timeout/i.test(why)) return { kind: 'silent', why: 'Postgres does not answer' }
  // Every other code of five characters is the word of the server: of its disk, its files, or what broke inside it.
  if (/^[0-9A-Z]{5}$/.test(code)) return { kind: 'cannot write', why }
  return { kind: 'away' } // PW2
}

/** A message in the write-ahead log, synced as each commit is: nothing is stored in a table. */
function writesTo(url: string): { write(): Promise<void>; close(): Promise<void> } {
  let client: pg.Client | undefined
  const leave = async (): Promise<void> => {
    const leaving = client
    client = undefined
    await Promise.race([leaving?.end().catch(() => {}), pause(1000, undefined, { ref: false })])
  }
  return {
    async write() {
      try {
        if (client === undefined) {
          client = new pg.Client({
            connectionString: url,
            connectionTimeoutMillis: answerWithinMs,
            query_timeout: answerWithinMs,
            application_name: 'reins watch',
          })
          client.on('error', () => {}) // the next write says it
          await client.connect()
        }
        await client.query("select pg_logical_emit_message(true, 'reins', '')")
      } catch (error) {
        await leave()
        throw error
      }
    },
    close: leave,
  }
}
