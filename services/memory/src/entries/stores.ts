// The places that memories are kept in, by what a definition says. Each is opened once, and closed with the service.
import type { EntryStore } from './store.ts'
import { inProcessStore } from './in-process.ts'
import type { StoreOf } from './memories.ts'
import { Databases, type DatabasesOptions } from './postgres/databases.ts'
import { SqliteStores } from './sqlite/sqlite-stores.ts'

export interface StoresOptions extends DatabasesOptions {
  /** Stays the caller's to close. */
  readonly builtin: EntryStore
  /** The folder of the provider sqlite: absolute. */
  readonly files: string
}

/** Whoever makes it closes it. */
export class Stores {
  readonly #builtin: EntryStore
  readonly #inProcess = inProcessStore()
  readonly #sqlite: SqliteStores
  readonly #databases: Databases

  constructor({ builtin, files, ...databases }: StoresOptions) {
    this.#builtin = builtin
    this.#sqlite = new SqliteStores(files)
    this.#databases = new Databases(databases)
  }

  readonly storeOf: StoreOf = async (store, digest) => {
    switch (store.provider) {
      case 'builtin':
        return this.#builtin
      case 'memory':
        return this.#inProcess
      case 'sqlite':
        return this.#sqlite.store(store.file)
      case 'postgresql':
        return this.#databases.store(store.secret, digest)
      default:
        return store satisfies never
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#inProcess.close(), this.#sqlite.close(), this.#databases.close()])
  }
}
