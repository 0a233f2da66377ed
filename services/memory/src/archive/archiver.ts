// Rounds over the sessions that have been at rest for long: the index says which may be, and the log of each says whether it is.
//   AC1. The index is derived and lags. It only names candidates; what is archived is decided on the frames (archive-session.ts).
//   AC2. A session that stays is not looked at again until something was appended to it, as long as this process lives.
//   AC4. A few sessions are archived at once, and never more: a round leaves the broker to sessions that work.
//   AC5. What cannot be read is named in the log, and the round goes on with the others.
//   AC3. Once for each process, since what it finds is left behind by processes that died.
import { setTimeout as pause } from 'node:timers/promises'
import { isUnreadable, type Room } from '@reins/journal'
import type { Log } from '@reins/telemetry'
import type { Database } from '../index/tables.ts'
import { type ArchiveOptions, archiveSession } from './archive-session.ts'

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
  let health = 'ok'
  let swept = false
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await round(options, staying, stop.signal)
        if (!swept) onSwept(await archivist.sweep()) // AC3
        swept = true
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

async function round(options: ArchiverOptions, staying: Map<string, number>, signal: AbortSignal): Promise<void> {
  const { db, room, log, clock, afterMs, on } = options
  const until = clock.now() - afterMs
  let place: Candidate | undefined
  for (;;) {
    await room?.(signal)
    const page = await candidates(db, until, place)
    await several(page, async ({ id, seq }) => {
      if (signal.aborted || staying.get(id) === seq) return // AC2
      const outcome = await archiveSession(options, id, signal).catch((error: unknown) => {
        if (!isUnreadable(error)) throw error
        return { kind: 'stays', broken: error instanceof Error ? error.message : '' } as const // AC5
      })
      if (outcome.kind === 'archived') on({ archived: outcome })
      if (outcome.kind !== 'stays') return
      if (outcome.broken !== undefined) log.warn({ session: id, err: outcome.broken }, 'a session is not archived')
      if (staying.size >= stayingKept) staying.clear()
      staying.set(id, seq)
    })
    if (signal.aborted) return
    place = page.at(-1)
    if (page.length < pageSize) return
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
