// Rows that this process wrote a short while ago, so that they need not be read before each change.
/** A row is some 600 bytes. */
const most = 4000

export class KnownRows<Row extends { readonly id: string }> {
  /** The one that was written last is the last one. */
  readonly #rows = new Map<string, Row>()

  of(ids: readonly string[]): Map<string, Row> {
    const found = new Map<string, Row>()
    for (const id of ids) {
      const row = this.#rows.get(id)
      if (row) found.set(id, row)
    }
    return found
  }

  keep(rows: readonly Row[]): void {
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
