// Rounds over the sessions that have been at rest for long: the index says which may be, and the log of each says whether it is.
//   AC1. The index is derived and lags. It only names candidates; what is archived is decided on the frames (archive-session.ts).
//   AC2. A session that stays is not looked at again until something was appended to it, as long as this process lives.
//   AC4. A few sessions are archived at once, and never more: a round leaves the broker to sessions that work.
//   AC5. What cannot be read is named in the log, and the round goes on with the others. So it does where anything else about one session
//        fails: that one is tried again in the next rounds, and left alone then.
//   AC3. Once for each process, since what it finds is left behind by processes that died.
import { setTimeout as pause } from 'node:timers/promises'
import { BrokerUnavailable } from '@reins/broker'
import { isUnreadable, type Room } from '@reins/journal'
import type { Log } from '@reins/telemetry'
import type { Database } from '../index/tables.ts'
import { type ArchiveOptions, type ArchiveOutcome, archiveSession } from './archive-session.ts'

export interface ArchiverOptions extends ArchiveOptions {
  readonly db: Database
  readonly room?: Room
  readonly log: Log
  /** Objects that nothing names, or that are of sessions which were erased, are gone. */
  readonly onSwept: (objects: number) => void
  readonly on: (what: { readonly archived: { readonly frames: number; readonly bytes: number } } | 'failed') => void
}

const pageSize = 100
/** Each waits for the broker most of the time. */
const atOnce = 4
const stayingKept = 100_000
/** AC5. */
const mostTimes = 3
const leastMs = 1000
const mostMs = 10 * 60_000

export interface Archiver {
  /** `ok`, or what is wrong. */
  health(): string
  close(): Promise<void>
}

/** Runs until closed; the caller closes it before the database. */
export function runArchiver(options: ArchiverOptions): Archiver {
  const { afterMs, log, archivist, onSwept } = options
  const stop = new AbortController()
  const staying = new Map<string, number>()
  const failing = new Map<string, number>()
  let health = 'ok'
  let swept = false
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        const failed = await round(options, { staying, failing }, stop.signal)
        if (!swept) onSwept(await archivist.sweep()) // AC3
        swept = true
        if (failed !== undefined) throw failed
        health = 'ok'
      } catch (error) {
        if (stop.signal.aborted) return
        health = `sessions at rest are not archived: ${error instanceof Error ? error.message : String(error)}`
        options.on('failed')
        log.warn({ err: String(error) }, 'a round of archiving ended early; the next one goes on')
      }
      await pause(Math.min(Math.max(afterMs / 10, leastMs), mostMs), undefined, { signal: stop.signal }).catch(() => {})
    }
  }
  const running = run()
  return {
    health: () => health,
    close: async () => {
      stop.abort()
      await running
    },
  }
}

interface Candidate {
  readonly id: string
  readonly at: number
  readonly seq: number
}

interface Passed {
  /** AC2. At which of their frames. */
  readonly staying: Map<string, number>
  /** AC5. How often. */
  readonly failing: Map<string, number>
}

/** Gives what failed about a session, if anything did. */
async function round(
  options: ArchiverOptions,
  { staying, failing }: Passed,
  signal: AbortSignal,
): Promise<Error | undefined> {
  const { db, room, log, clock, afterMs, on } = options
  const until = clock.now() - afterMs
  let failed: Error | undefined
  const one = async (id: string): Promise<ArchiveOutcome | undefined> => {
    try {
      return await archiveSession(options, id, signal)
    } catch (error) {
      if (signal.aborted || error instanceof BrokerUnavailable) throw error
      const broken = error instanceof Error ? error.message : String(error)
      const times = (failing.get(id) ?? 0) + 1
      if (isUnreadable(error) || times >= mostTimes) return { kind: 'stays', broken }
      if (failing.size >= stayingKept) failing.clear()
      failing.set(id, times)
      log.warn({ session: id, err: broken }, 'a session is not archived now')
      failed = new Error(`${id}: ${broken}`, { cause: error })
      return undefined
    }
  }
  let place: Candidate | undefined
  for (;;) {
    await room?.(signal)
    const page = await candidates(db, until, place)
    await several(page, async ({ id, seq }) => {
      if (signal.aborted || staying.get(id) === seq) return // AC2
      const outcome = await one(id)
      if (outcome?.kind === 'archived') on({ archived: outcome })
      if (outcome?.kind !== 'stays') return
      if (outcome.broken !== undefined) log.warn({ session: id, err: outcome.broken }, 'a session is not archived')
      if (staying.size >= stayingKept) staying.clear()
      staying.set(id, seq)
      failing.delete(id)
    })
    if (signal.aborted) return undefined
    place = page.at(-1)
    if (page.length < pageSize) return failed
  }
}

/** AC4. What fails ends it, once nothing of it is under way any more. */
async function several<T>(all: readonly T[], each: (one: T) => Promise<void>): Promise<void> {
  const left = all.values()
  let over = false
  const hands = Array.from({ length: atOnce }, async () => {
    for (const one of left) {
      if (over) return
      await each(one).catch((error: unknown) => {
        over = true
        throw error
      })
    }
  })
  const failed = (await Promise.allSettled(hands)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

async function candidates(db: Database, until: number, behind: Candidate | undefined): Promise<readonly Candidate[]> {
  let wanted = db
    .selectFrom('sessions')
    .select(['id', 'last_activity_at as at', 'last_seq as seq'])
    .where('archived', '=', false)
    .where('status', 'in', ['idle', 'ended'])
    .where('last_activity_at', '<=', until)
  if (behind)
    wanted = wanted.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('last_activity_at', 'id'), '>', tuple(behind.at, behind.id)),
    )
  try {
    return await wanted.orderBy('last_activity_at').orderBy('id').limit(pageSize).execute()
  } catch (error) {
    if (isCode(error, noSuchTable)) return []
    throw error
  }
}

/** PostgreSQL's code: the index of a new database has not made its tables yet, so no session is in it. */
const noSuchTable = '42P01'
const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
