// The text of an event stream, taken apart as it comes. Pure.
// Source: https://html.spec.whatwg.org/multipage/server-sent-events.html (comments and unknown fields are passed over).

export interface ServerSentEvent {
  readonly event: string
  readonly data: string
}

export class EventParser {
  #rest = ''
  #event = ''
  #data: string[] = []

  /** The events that this piece of text completes. */
  push(text: string): readonly ServerSentEvent[] {
    const events: ServerSentEvent[] = []
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw
      if (line !== '') this.#field(line)
      else {
        if (this.#data.length > 0) events.push({ event: this.#event || 'message', data: this.#data.join('\n') })
        this.#event = ''
        this.#data = []
      }
    }
    return events
  }

  #field(line: string): void {
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (name === 'event') this.#event = value
    else if (name === 'data') this.#data.push(value)
  }
}
