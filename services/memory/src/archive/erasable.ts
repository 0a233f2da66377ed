// What stands in the way of erasing a session, as far as other sessions go: asked of the index, which has to be level with the streams for that.
import { setTimeout as pause } from 'node:timers/promises'
import type { Broker } from '@reins/broker'
import { type Erasable, ReinsError, type SessionStreams } from '@reins/contracts'
import { isAway } from '@reins/projection'
import type { SessionIndex } from '../index/session-index.ts'
import { describeStreams } from '../index/session-stream.ts'
import type { Database } from '../index/tables.ts'

export interface ErasableOptions {
  readonly broker: Broker
  readonly streams: SessionStreams
  readonly db: Database | undefined
  readonly index: Pick<SessionIndex, 'places'> | undefined
  /** Why nothing can be erased here; undefined: it can. */
  readonly obstacle: string | undefined
}

const levelWithinMs = 10_000
const most = 100

export async function erasable(options: ErasableOptions, session: string): Promise<Erasable> {
  const { broker, streams, db, index, obstacle } = options
  if (obstacle !== undefined) throw new ReinsError('not_supported', obstacle, { next: whatToSet })
  if (!db || !index) throw unavailable('no database is configured')
  const { ends } = await describeStreams(broker, streams)
  for (const deadline = performance.now() + levelWithinMs; ; await pause(50)) {
    const places = index.places()
    if (ends.every((end, at) => (places[at] ?? 0) >= end)) break
    if (performance.now() > deadline) throw unavailable('the list of sessions is behind')
  }
  try {
    const tree = db.selectFrom('sessions').select('id').where('root', '=', session)
    const forks = await db
      .selectFrom('sessions')
      .select('id')
      .where('forked_from', 'in', tree)
      .where('erased', 'is', null)
      .orderBy('id')
      .limit(most)
      .execute()
    const busy = await db
      .selectFrom('sessions')
      .select('id')
      .where('root', '=', session)
      .where('id', '!=', session)
      // What is in quarantine does nothing, and one that cannot be read never leaves it.
      .where('status', 'not in', ['idle', 'ended', 'quarantined'])
      .orderBy('id')
      .limit(most)
      .execute()
    return { forks: forks.map(({ id }) => id), busy: busy.map(({ id }) => id) }
  } catch (error) {
    if (isAway(error)) throw unavailable('Postgres does not answer')
    throw error
  }
}

const whatToSet =
  'Set REINS_ARCHIVE_AFTER (30d, say) when the streams are made, as docs/operate.md says: the archivist that comes with it erases.'

const unavailable = (why: string): ReinsError =>
  new ReinsError(
    'unavailable',
    `It cannot be told now whether other sessions were forked from this one, or work below it: ${why}.`,
  )
