// What is written to streams: each thing is serialised once, and each form of it made once, for all viewers of a session.
import type { StreamItem } from '@reins/contracts'

/** One thing that is written to streams. */
export class Item {
  readonly type: string
  readonly cursor: string
  readonly json: string
  constructor(item: StreamItem) {
    this.type = item.type
    this.cursor = item.cursor
    this.json = JSON.stringify(item)
  }
}

/** How a door writes a batch: the same function for all its connections, so that its text is made once. */
export type Form = (items: readonly Item[]) => string

/** What is written in one go. */
export class Batch {
  readonly items: readonly Item[]
  readonly #texts = new Map<Form, string>()

  constructor(items: readonly Item[]) {
    this.items = items
  }

  /** Made when the first viewer needs it. */
  as(form: Form): string {
    const known = this.#texts.get(form)
    if (known !== undefined) return known
    const text = form(this.items)
    this.#texts.set(form, text)
    return text
  }
}
