// Streams of events on their way to the SDK, which resumes those that end without a result. The bytes are the server's, but for what T4 and
// T5 of http-transport.ts leave out and add.
import { setTimeout as pause } from 'node:timers/promises'
import { overId } from '../calls/open-requests.ts'

/** Ids of events that have come, of all streams of one connection. Bounded: the oldest are forgotten. */
export class SeenEvents {
  readonly #ids = new Set<string>()

  /** false: it has come before. */
  add(id: string): boolean {
    if (this.#ids.has(id)) return false
    const [oldest] = this.#ids
    if (this.#ids.size >= most && oldest !== undefined) this.#ids.delete(oldest)
    this.#ids.add(id)
    return true
  }
}

const most = 10_000

export interface WatchedStream {
  readonly seen: SeenEvents
  /** It goes on where another one ended. */
  readonly resumed: boolean
  /** The request whose answer it brings, where it was one. */
  readonly request: string | number | undefined
  readonly stop: AbortSignal | undefined
  /** Whether nobody waits for an answer in it any more. */
  answered(): boolean
  /** An event with this id has come. */
  came(id: string): void
  /** The server asks something in it, by a request with this id. */
  asked(question: string | number): void
  /** Once, where the server ends it; `events`: whether an event with an id was among them, so that it can be resumed. */
  ended(events: boolean): void
}

/** What has been handed over may still be on its way through the SDK's own streams. ms */
const onItsWayMs = 50

export function watched(
  body: ReadableStream<Uint8Array>,
  { seen, resumed, request, stop, answered, came, asked, ended }: WatchedStream,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const events = new EventSplitter()
  let withId = false
  let told = false
  const tell = (): void => {
    if (!told) ended(withId)
    told = true
  }
  // T4: the SDK takes a result for the end, and an error for a reason to ask again.
  const over = Buffer.from(`\n\ndata: ${JSON.stringify({ jsonrpc: '2.0', id: request ?? overId, result: {} })}\n\n`)
  const keeps = (event: string): boolean => {
    const question = questionIn(event)
    if (question !== undefined) asked(question)
    const id = idOf(event)
    if (id === undefined) return true
    const isNew = seen.add(id)
    if (!isNew && resumed) return false // T5
    withId = true
    came(id)
    return true
  }
  return new ReadableStream({
    start(controller) {
      const stopped = () => {
        if (told) return
        told = true
        controller.enqueue(over)
        controller.close()
      }
      stop?.addEventListener('abort', stopped, { once: true })
    },
    async pull(controller) {
      try {
        for (;;) {
          const { value, done } = await reader.read()
          if (stop?.aborted) return
          if (done) {
            if (request !== undefined || resumed) await pause(onItsWayMs)
            if (stop?.aborted) return
            if (answered()) controller.enqueue(over)
            tell()
            controller.close()
            return
          }
          const whole = events.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1'))
          if (!resumed) {
            for (const event of whole) keeps(event)
            controller.enqueue(value)
            return
          }
          const kept = whole.filter(keeps)
          if (kept.length === 0) continue
          controller.enqueue(Buffer.from(kept.join(''), 'latin1'))
          return
        }
      } catch (error) {
        if (request !== undefined) await pause(onItsWayMs)
        if (stop?.aborted) return
        tell()
        controller.error(error)
      }
    },
    async cancel(reason) {
      told = true
      await reader.cancel(reason)
    },
  })
}

/** The id of a request of the server for a person. */
function questionIn(event: string): string | number | undefined {
  if (!event.includes('elicitation/create')) return undefined
  const lines = event.split(/\r\n|\n|\r/).filter((line) => line.startsWith('data:'))
  try {
    const { id, method } = JSON.parse(lines.map((line) => line.slice('data:'.length)).join('\n'))
    return method === 'elicitation/create' && (typeof id === 'string' || typeof id === 'number') ? id : undefined
  } catch {
    return undefined
  }
}

const idOf = (event: string): string | undefined => /(?:^|[\r\n])id: ?([^\r\n]*)/.exec(event)?.[1]

/** A stream of bytes, one character each, cut behind the blank lines that end its events. */
class EventSplitter {
  /** Of the event that is not whole yet. */
  #pieces: string[] = []
  #tail = ''

  /** The events that are whole by now, each with its end. */
  push(text: string): readonly string[] {
    const near = this.#tail + text
    const end = endOf(near) - this.#tail.length
    this.#tail = near.slice(-3)
    if (end <= 0) {
      this.#pieces.push(text)
      return []
    }
    const whole = this.#pieces.join('') + text.slice(0, end)
    this.#pieces = [text.slice(end)]
    return whole.split(/(?<=\n\n|\r\n\r\n|\r\r)/).filter((event) => event !== '')
  }
}

/** Where the latest event ends; 0: none does. */
const endOf = (text: string): number => Math.max(after(text, '\n\n'), after(text, '\r\n\r\n'), after(text, '\r\r'))
const after = (text: string, blank: string): number => {
  const at = text.lastIndexOf(blank)
  return at < 0 ? 0 : at + blank.length
}
