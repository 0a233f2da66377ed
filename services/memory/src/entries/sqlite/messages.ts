// What the memory service and its SQLite worker say to each other.
import type { ErrorCode } from '@reins/contracts'
import type { EntryStore } from '../store.ts'

export type SqliteQuestion = Exclude<keyof EntryStore, 'close'>

export interface ToSqlite {
  readonly id: number
  readonly file: string
  readonly question: SqliteQuestion
  readonly values: readonly unknown[]
}

export type FromSqlite =
  | { readonly id: number; readonly kind: 'answer'; readonly value: unknown }
  /** `why`: fit for people. */
  | { readonly id: number; readonly kind: 'failed'; readonly code: ErrorCode; readonly why: string }

export interface SqliteWorkerData {
  /** Absolute. */
  readonly folder: string
}
