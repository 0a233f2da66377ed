// The provider sqlite: files in the memory service's own folder, asked through one worker thread.
//   SS1. A worker that ends takes nothing with it: who waits is told `unavailable`, and the next question starts another one.
//   SS2. A file stays in the folder (placeOf of sqlite-file.ts).
import { Worker } from 'node:worker_threads'
import { ReinsError } from '@reins/contracts'
import type { EntryStore } from '../store.ts'
import type { FromSqlite, SqliteQuestion, SqliteWorkerData, ToSqlite } from './messages.ts'

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** Whoever makes it closes it. */
export class SqliteStores {
  readonly #folder: string
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #asked = 0

  /** `folder`: absolute; it is made when it is needed. */
  constructor(folder: string) {
    this.#folder = folder
  }

  store(file: string): EntryStore {
    const ask =
      <Q extends SqliteQuestion>(question: Q) =>
      (...values: Parameters<EntryStore[Q]>): ReturnType<EntryStore[Q]> =>
        this.#ask(file, question, values) as ReturnType<EntryStore[Q]>
    return {
      apply: ask('apply'),
      recall: ask('recall'),
      list: ask('list'),
      versions: ask('versions'),
      search: ask('search'),
      history: ask('history'),
      scopes: ask('scopes'),
      close: async () => undefined,
    }
  }

  #ask(file: string, question: SqliteQuestion, values: readonly unknown[]): Promise<unknown> {
    this.#asked += 1
    const id = this.#asked
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#waiting.set(id, { resolve, reject })
    this.#running().postMessage({ id, file, question, values } satisfies ToSqlite)
    return promise
  }

  #running(): Worker {
    if (this.#worker) return this.#worker
    const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
      workerData: { folder: this.#folder } satisfies SqliteWorkerData,
      // Node says so of its SQLite, in some versions.
      execArgv: [...process.execArgv, '--disable-warning=ExperimentalWarning'],
    })
    worker.unref()
    worker.on('message', (message: FromSqlite) => this.#answered(message))
    worker.on('error', () => this.#gone(worker))
    worker.on('exit', () => this.#gone(worker))
    this.#worker = worker
    return worker
  }

  #answered(message: FromSqlite): void {
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if (message.kind === 'answer') waiting?.resolve(message.value)
    else waiting?.reject(new ReinsError(message.code, message.why))
  }

  /** SS1. */
  #gone(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const one of waiting) one.reject(new ReinsError('unavailable', 'The memory files cannot be read right now.'))
  }

  async close(): Promise<void> {
    await this.#worker?.terminate()
  }
}
