// The places that memories are kept in, by what a definition says. Each is opened once, and closed with the service.
import { ReinsError } from '@reins/contracts'
import { inProcessStore } from './in-process.ts'
import type { StoreOf } from './memories.ts'
import { SqliteStores } from './sqlite/sqlite-stores.ts'
import type { EntryStore } from './store.ts'

export interface StoresOptions {
  /** The folder of the provider sqlite: absolute. */
  readonly files: string
}

/** Whoever makes it closes it. */
export class Stores {
  readonly #inProcess = inProcessStore()
  readonly #sqlite: SqliteStores
  readonly #files = new Map<string, EntryStore>()

  constructor({ files }: StoresOptions) {
    this.#sqlite = new SqliteStores(files)
  }

  readonly storeOf: StoreOf = async (store) => {
    switch (store.provider) {
      case 'memory':
        return this.#inProcess
      case 'sqlite': {
        const known = this.#files.get(store.file) ?? this.#sqlite.store(store.file)
        if (this.#files.size > 1000) this.#files.clear()
        this.#files.set(store.file, known)
        return known
      }
      default:
        throw new ReinsError('not_supported', `The provider ${store.provider} is not there yet.`)
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#inProcess.close(), this.#sqlite.close()])
  }
}
