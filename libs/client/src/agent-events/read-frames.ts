// The answer of api mode, or of the web page's own server, read as events.
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { type AgentEvent, eventOfFrame } from './agent-event.ts'

export interface ReadEvent {
  readonly event: AgentEvent
  /** Send it back as `Last-Event-ID` to go on behind it. */
  readonly cursor?: string
}

/** Frames of unknown kinds are left out. Rejects where the connection breaks; a stream that is whole ends with a last event. */
export async function* readAgentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ReadEvent> {
  const parsed: EventSourceMessage[] = []
  const parser = createParser({ onEvent: (message) => parsed.push(message) })
  const decoder = new TextDecoder()
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      parser.feed(decoder.decode(value, { stream: true }))
      for (const { id, data } of parsed.splice(0)) {
        const event = eventOfFrame(jsonOf(data))
        if (event) yield { event, ...(id === undefined ? {} : { cursor: id }) }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
