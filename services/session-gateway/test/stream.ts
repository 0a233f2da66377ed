// A client's end of an event stream, by hand: the raw text, and the items of an SSE stream one by one.
import { token } from './world.ts'

export interface Item {
  readonly id: string
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  readonly data: any
}

export class EventStream {
  readonly response: Response
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #abort: AbortController
  readonly #queue: Item[] = []
  #text = ''
  ended = false

  private constructor(response: Response, abort: AbortController) {
    this.response = response
    this.#abort = abort
    if (!response.body) throw new Error('no body')
    this.#reader = response.body.getReader()
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
    const abort = new AbortController()
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...headers },
      signal: abort.signal,
    })
    return new EventStream(response, abort)
  }

  /** The next item; undefined when the stream has ended. */
  async next(): Promise<Item | undefined> {
    for (;;) {
      const item = this.#queue.shift()
      if (item) return item
      const { done, value } = await this.#reader.read()
      if (done) {
        this.ended = true
        return undefined
      }
      this.#text += Buffer.from(value).toString('utf8')
      const blocks = this.#text.split('\n\n')
      this.#text = blocks.pop() ?? ''
      for (const block of blocks) {
        const fields = new Map(
          block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
        )
        const data = fields.get('data')
        if (data !== undefined)
          this.#queue.push({ id: fields.get('id') ?? '', event: fields.get('event') ?? '', data: JSON.parse(data) })
      }
    }
  }

  /** The next line that is not empty, of a stream that is no SSE. */
  async line(): Promise<string> {
    for (;;) {
      this.#text = this.#text.replace(/^\n+/, '')
      const end = this.#text.indexOf('\n')
      if (end >= 0) {
        const line = this.#text.slice(0, end)
        this.#text = this.#text.slice(end)
        return line
      }
      const { done, value } = await this.#reader.read()
      if (done) throw new Error('the stream ended')
      this.#text += Buffer.from(value).toString('utf8')
    }
  }

  /** Up to and including the first item of that type. */
  async until(event: string): Promise<Item[]> {
    const items: Item[] = []
    for (let item = await this.next(); item; item = await this.next()) {
      items.push(item)
      if (item.event === event) return items
    }
    throw new Error(`the stream ended before ${event}: ${items.map((item) => item.event).join(' ')}`)
  }

  async take(count: number): Promise<Item[]> {
    const items: Item[] = []
    while (items.length < count) {
      const item = await this.next()
      if (!item) throw new Error(`the stream ended after ${items.map((one) => one.event).join(' ')}`)
      items.push(item)
    }
    return items
  }

  close(): void {
    this.#abort.abort()
  }
}
