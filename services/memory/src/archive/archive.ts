// The archive, where the operator asks for it: rounds that put sessions at rest there, and what takes their frames out of the stream.

import type { Database } from '../index/tables.ts'
import type { MemoryConfig } from '../service.ts'
import { runArchiver } from './archiver.ts'
import { carryOutErasures } from './erase.ts'
import { takeOutArchived } from './take-out.ts'

export interface RunningArchive {
  /** Why no session can be erased; undefined: it can. */
  readonly notErased: string | undefined
  /** Nothing where no archive is asked for. */
  health(): Record<string, string>
  close(): Promise<void>
}

const withoutIndex = 'sessions at rest are not archived: there is no database, whose lists say which are at rest'

export async function startArchive(config: MemoryConfig, db: Database | undefined): Promise<RunningArchive> {
  const { archive, broker, streams, sessions, clock, instance, ackWaitMs, metrics, log, room, pauseAt } = config
  if (archive === undefined)
    return { notErased: 'No session can be erased: the archive is not turned on.', health: () => ({}), close: nothing }
  const problem = typeof archive === 'string' ? archive : db ? undefined : withoutIndex
  if (typeof archive === 'string' || !db) {
    log.warn({ err: problem }, 'sessions at rest are not archived')
    return {
      notErased: `No session can be erased: ${problem ?? ''}`,
      health: () => ({ archive: problem ?? '' }),
      close: nothing,
    }
  }
  const { archivist, afterMs, notErased } = archive
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
  return {
    notErased,
    health: () => {
      const wrong = [archiver.health(), taking.health(), erasing?.health() ?? 'ok'].filter((one) => one !== 'ok')
      return { archive: wrong.join('; ') || 'ok' }
    },
    async close() {
      await archiver.close()
      await erasing?.close()
      await taking.close()
    },
  }
}

async function nothing(): Promise<void> {}
