// What memory archives sessions with, where the operator asks for it: a connection as the one user that may take frames out of a stream.
import { type Broker, connectBroker } from '@reins/broker'
import { createArchivist, type Journal } from '@reins/journal'
import type * as memory from '@reins/memory'
import type { Closing } from '@reins/service'
import type { PartsOptions } from './parts.ts'

const madeWithout =
  'REINS_ARCHIVE_AFTER is set, but the streams of sessions were made so that nothing can be taken out of them. ' +
  'Set it when the streams are made. A data folder with one stream can be moved once: set REINS_SESSION_STREAMS=4 too.'

const notOverwritten =
  'the streams of sessions were made by an older version, so that what is in them is never overwritten. ' +
  'A data folder with one stream can be moved once: set REINS_SESSION_STREAMS=4.'

/** undefined: it is not asked for. A text: why it cannot be. */
export async function archiveOf(
  { config, natsUrl, archivistUrl }: PartsOptions,
  { broker, journal }: { readonly broker: Broker; readonly journal: Journal },
  closing: Closing,
): Promise<memory.ArchiveConfig | string | undefined> {
  const afterMs = config.archiveAfterMs
  if (afterMs === undefined) return undefined
  if (!journal.archived) return madeWithout
  const url = config.archiveNatsUrl ?? archivistUrl ?? natsUrl
  const connection = await connectBroker({ url, name: 'reins archivist', withinMs: 15_000 })
  closing.add('connection of the archivist', () => connection.close())
  const { streams } = journal
  const { erasable } = journal
  const archivist = await createArchivist(broker, connection, { streams, replicated: config.replicas > 1, erasable })
  return {
    archivist,
    afterMs,
    lookEveryMs: config.archiveLookEveryMs,
    notErased: erasable ? undefined : notOverwritten,
  }
}
