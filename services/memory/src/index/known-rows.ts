// Rows of sessions that this process wrote a short while ago, so that they need not be read before each change.
import type { SessionRow } from './session-row.ts'

/** A row is some 600 bytes. */
const most = 4000

export class KnownRows {
  /** The one that was written last is the last one. */
  readonly #rows = new Map<string, SessionRow>()

  of(ids: readonly string[]): Map<string, SessionRow> {
    const found = new Map<string, SessionRow>()
    for (const id of ids) {
      const row = this.#rows.get(id)
      if (row) found.set(id, row)
    }
    return found
  }

  keep(rows: readonly SessionRow[]): void {
    for (const row of rows) {
      this.#rows.delete(row.id)
      this.#rows.set(row.id, row)
    }
    for (const id of this.#rows.keys()) {
      if (this.#rows.size <= most) return
      this.#rows.delete(id)
    }
  }

  clear(): void {
    this.#rows.clear()
  }
}
