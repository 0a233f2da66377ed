// Providers that need servers, opened for tests against real ones.
import type { Broker } from '@reins/broker'
import { openDatabase } from '@reins/projection'
import { silentLog } from '@reins/telemetry'
import { builtinStore } from '../src/entries/builtin/builtin-store.ts'
import { runMemoryIndex } from '../src/entries/builtin/memory-index.ts'
import { MemoryLog } from '../src/entries/builtin/memory-log.ts'
import { postgresStore } from '../src/entries/postgres/postgres-store.ts'
import type { EntryStore } from '../src/entries/store.ts'

export { Vectors } from '../src/entries/meaning/vectors.ts'
export type { EntryStore }
export { openDatabase, postgresStore }

export interface OpenBuiltin {
  readonly store: EntryStore
  close(): Promise<void>
}

/** The caller closes it, before the broker. */
export function openBuiltin(broker: Broker, databaseUrl: string): OpenBuiltin {
  const db = openDatabase<Record<string, never>>(databaseUrl)
  const index = runMemoryIndex({ broker, db, log: silentLog })
  const store = builtinStore({ log: new MemoryLog(broker), index: { rows: index, db }, full: () => undefined })
  return {
    store,
    close: async () => {
      await index.close()
      await db.destroy()
    },
  }
}
