// A list that only grows, with cheap older versions: appending shares the buffer when this version is the newest one.
// A session's transcript is one: folding n frames costs n, not n², and every message keeps its identity.
export class AppendList<T> {
  readonly #items: T[]
  readonly length: number

  private constructor(items: T[], length: number) {
    this.#items = items
    this.length = length
  }

  static of<T>(items: readonly T[] = []): AppendList<T> {
    return new AppendList([...items], items.length)
  }

  append(...more: readonly T[]): AppendList<T> {
    if (more.length === 0) return this
    const newest = this.#items.length === this.length
    const items = newest ? this.#items : this.#items.slice(0, this.length)
    items.push(...more)
    return new AppendList(items, items.length)
  }

  at(index: number): T | undefined {
    return index < this.length ? this.#items[index] : undefined
  }

  slice(start: number, end = this.length): readonly T[] {
    return this.#items.slice(start, Math.min(end, this.length))
  }

  /** A copy: the buffer itself goes on growing. */
  toArray(): readonly T[] {
    return this.#items.slice(0, this.length)
  }

  toJSON(): readonly T[] {
    return this.toArray()
  }
}
