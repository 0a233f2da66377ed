// A stream of a session as something to iterate over: for doors that turn its items into events of another form.
//   IS1. What waits is counted like what waits in a connection: a reader that is too slow is cut off like any other.
import type { ReinsError } from '@reins/contracts'
import type { Item } from '../../streams/batch.ts'
import type { Sink } from '../../streams/sink.ts'

export type Heard =
  | { readonly kind: 'item'; readonly item: Item }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'failed'; readonly error: ReinsError }

export class ItemsSink implements Sink, AsyncIterable<Heard> {
  readonly ends = undefined
  #waiting: Heard[] = []
  #bytes = 0
  #sent = 0
  #closed = false
  #woken = Promise.withResolvers<void>()
  readonly #onClose: (() => void)[] = []

  write(batch: { readonly items: readonly Item[] }): void {
    if (this.#closed) return
    for (const item of batch.items) {
      this.#waiting.push({ kind: 'item', item })
      this.#bytes += item.json.length
      this.#sent += item.json.length
    }
    this.#wake()
  }
  sent(): number {
    return this.#sent
  }
  buffered(): number {
    return this.#bytes
  }
  heartbeat(): void {
    this.#push({ kind: 'heartbeat' })
  }
  fail(error: ReinsError): void {
    this.#push({ kind: 'failed', error })
    this.end()
  }
  end(): void {
    if (this.#closed) return
    this.#closed = true
    this.#wake()
    for (const on of this.#onClose) on()
  }
  get closed(): boolean {
    return this.#closed
  }
  onClose(on: () => void): void {
    this.#onClose.push(on)
  }

  /** Closes it when the reader leaves. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Heard> {
    try {
      for (;;) {
        const woken = this.#woken.promise
        const heard = this.#waiting
        this.#waiting = []
        for (const one of heard) {
          yield one
          if (one.kind === 'item') this.#bytes -= one.item.json.length
        }
        if (heard.length > 0) continue
        if (this.#closed) return
        await woken
      }
    } finally {
      this.end()
    }
  }

  #push(heard: Heard): void {
    if (this.#closed) return
    this.#waiting.push(heard)
    this.#wake()
  }
  #wake(): void {
    this.#woken.resolve()
    this.#woken = Promise.withResolvers()
  }
}
