// The archive, where the operator asks for it: rounds that put sessions at rest there, and what takes their frames out of the stream.

import type { ArchiveLook } from '@reins/contracts'
import type { Database } from '../index/tables.ts'
import type { MemoryConfig } from '../service.ts'
import { runArchiver } from './archiver.ts'
import { carryOutErasures } from './erase.ts'
import { runLook } from './look.ts'
import { takeOutArchived } from './take-out.ts'

export interface RunningArchive {
  /** Why no session can be erased; undefined: it can. */
  readonly notErased: string | undefined
  /** Nothing where no archive is asked for. */
  health(): Record<string, string>
  /** What the last look at it found; undefined: none has ended. */
  found(): ArchiveLook | undefined
  /** Sessions that cannot be read, as far as looks have found. */
  unreadable(): readonly string[]
  close(): Promise<void>
}

const withoutIndex = 'sessions at rest are not archived: there is no database, whose lists say which are at rest'

export async function startArchive(config: MemoryConfig, db: Database | undefined): Promise<RunningArchive> {
  const { archive, broker, streams, sessions, clock, instance, ackWaitMs, metrics, log, room, pauseAt } = config
  if (archive === undefined)
    return { ...none, notErased: 'No session can be erased: the archive is not turned on.', health: () => ({}) }
  const problem = typeof archive === 'string' ? archive : db ? undefined : withoutIndex
  if (typeof archive === 'string' || !db) {
    log.warn({ err: problem }, 'sessions at rest are not archived')
    return {
      ...none,
      notErased: `No session can be erased: ${problem ?? ''}`,
      health: () => ({ archive: problem ?? '' }),
    }
  }
  const { archivist, afterMs, lookEveryMs, notErased } = archive
  const erased = metrics.counter('reins_sessions_erased_total')
  const swept = metrics.counter('reins_archive_swept_total')
  const archived = metrics.counter('reins_sessions_archived_total')
  const frames = metrics.counter('reins_archived_frames_total')
  const bytes = metrics.counter('reins_archived_bytes_total')
  const takenOut = metrics.counter('reins_archive_taken_out_total')
  const failures = metrics.counter('reins_archive_failures_total')
  const at = pauseAt ? { pauseAt } : {}
  const taking = await takeOutArchived({
    ...{ broker, streams, archivist, ackWaitMs, log, ...at },
    onTaken: () => takenOut.inc(),
  })
  const erasing = notErased
    ? undefined
    : await carryOutErasures({
        ...{ broker, streams, sessions, archivist, clock, instance, ackWaitMs, log, ...at },
        onErased: () => erased.inc(),
      })
  const archiver = runArchiver({
    ...{ db, sessions, archivist, clock, instance, afterMs, log, ...at },
    ...(room ? { room } : {}),
    onSwept: (objects) => swept.inc(objects),
    on: (what) => {
      if (what === 'failed') return failures.inc()
      archived.inc()
      frames.inc(what.archived.frames)
      bytes.inc(what.archived.bytes)
    },
  })
  const looked = metrics.counter('reins_archive_looked_total')
  const unreadable = metrics.gauge('reins_archive_unreadable_sessions')
  const look = runLook({
    ...{ archivist, clock, log, everyMs: lookEveryMs },
    ...(room ? { room } : {}),
    on: (what) => ('looked' in what ? looked.inc() : unreadable.set({}, what.unreadable)),
  })
  return {
    notErased,
    found: () => look.found(),
    unreadable: () => look.unreadable(),
    health: () => {
      const wrong = [archiver.health(), taking.health(), erasing?.health() ?? 'ok'].filter((one) => one !== 'ok')
      return { archive: wrong.join('; ') || 'ok' }
    },
    async close() {
      await look.close()
      await archiver.close()
      await erasing?.close()
      await taking.close()
    },
  }
}

const none = { found: () => undefined, unreadable: () => [], close: async () => {} }
