// What is written to streams: each thing is serialised once, and each form of it made once, down to its bytes, for all viewers of a
// session.
import type { StreamItem } from '@reins/contracts'

/** One thing that is written to streams. */
export class Item {
  readonly type: string
  readonly cursor: string
  /** Of a tree: whose it is. */
  readonly session: string | undefined
  readonly json: string
  #bytes: Buffer | undefined
  constructor(item: StreamItem) {
    this.type = item.type
    this.cursor = item.cursor
    this.session = 'session' in item ? item.session : undefined
    this.json = JSON.stringify(item)
  }

  /** Of `json`, in UTF-8; made when the first viewer needs it. */
  get bytes(): Buffer {
    this.#bytes ??= Buffer.from(this.json)
    return this.#bytes
  }
}

/** How a door writes a batch: the same function for all its connections, so that its text is made once. */
export type Form = (items: readonly Item[]) => string

/** What is written in one go. */
export class Batch {
  readonly items: readonly Item[]
  #form: Form | undefined
  #bytes: Buffer | undefined
  /** Of forms beside the first one. */
  #more: Map<Form, Buffer> | undefined

  constructor(items: readonly Item[]) {
    this.items = items
  }

  /** In UTF-8; made when the first viewer needs it. */
  as(form: Form): Buffer {
    const known = form === this.#form ? this.#bytes : this.#more?.get(form)
    if (known !== undefined) return known
    const bytes = Buffer.from(form(this.items))
    if (this.#form === undefined) {
      this.#form = form
      this.#bytes = bytes
    } else {
      this.#more ??= new Map()
      this.#more.set(form, bytes)
    }
    return bytes
  }
}
