// MEM as rows in Postgres, for lists and search. Derived: drop the tables, and they are made again.
import { type Broker, headersOf, isPutByBroker } from '@reins/broker'
import { streams } from '@reins/contracts'
import { checkpointIn, type FollowedStream, followStream, migrate, Unprojectable } from '@reins/projection'
import type { Log } from '@reins/telemetry'
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Db, EntryRows, trigramsIn } from '../postgres/entry-rows.ts'
import { BelievedRecords, parseRecord } from './believed-records.ts'

export const indexedRows = new EntryRows('memory_entries')

// biome-ignore lint/suspicious/noExplicitAny: as Db
const indexed = checkpointIn<any>('memory_entries_checkpoint', (trx) => indexedRows.clearAll(trx))

const withinMs = 10_000

const migrations: Record<string, Migration> = {
  '001-entries': {
    async up(db: Kysely<unknown>) {
      await indexedRows.create(db)
      await indexed.create(db)
    },
  },
}

export interface MemoryIndex extends FollowedStream {
  /** Whether words are searched by trigrams too. */
  readonly trigrams: boolean
}

/** Runs until closed; the caller closes it before the database. */
export function runMemoryIndex(options: { readonly broker: Broker; readonly db: Db; readonly log: Log }): MemoryIndex {
  let trigrams = false
  const believed = new BelievedRecords(options.broker, withinMs)
  const followed = followStream({
    ...options,
    what: 'the index of memories',
    stream: streams.memories,
    checkpoint: indexed,
    async prepare(db) {
      await migrate(db, 'memory_entries', migrations)
      trigrams = await trigramsIn(db)
    },
    async apply(trx, message) {
      const { subject, seq } = message
      const header = headersOf(message) ?? (() => '')
      if (isPutByBroker(header)) return // ML5 of memory-log.ts
      const body = message.string()
      if (!parseRecord(body)) throw new Unprojectable(`the record ${seq} of ${streams.memories} is malformed`)
      const record = await believed.recordIn({ subject, seq, header, body, storedAt: message.time.getTime() })
      if (!record)
        throw new Unprojectable(`the record ${seq} of ${streams.memories} is not memory's, or was stored again`)
      await indexedRows.write(trx, record)
    },
  })
  return {
    state: () => followed.state(),
    begun: (withinMs) => followed.begun(withinMs),
    waitFor: (seq, withinMs) => followed.waitFor(seq, withinMs),
    close: () => followed.close(),
    get trigrams() {
      return trigrams
    },
  }
}
