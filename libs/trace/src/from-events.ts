// Spans of sessions from their events as the API gives them, page by page.
import { type ApiEvent, eventCodec } from '@reins/contracts'
import { SpanForest } from './forest.ts'
import type { SpanOptions } from './session-spans.ts'
import type { Span } from './span.ts'

export class SpansOfEvents {
  readonly #session: string
  readonly #forest: SpanForest
  readonly #closed: Span[] = []
  /** Of the frame that is being read: its events may stand on two pages. */
  #frame: ApiEvent[] = []
  #last = 0

  /** `session`: of events that do not say whose they are. */
  constructor(session: string, options: Pick<SpanOptions, 'content'> = {}) {
    this.#session = session
    this.#forest = new SpanForest(options)
  }

  add(events: readonly ApiEvent[]): void {
    for (const event of events) {
      const [first] = this.#frame
      if (first && (first.n !== event.n || first.session !== event.session)) this.#take()
      this.#frame.push(event)
    }
  }

  /** All that have ended, and those that are open, as they stand at the last event. */
  spans(): { readonly closed: readonly Span[]; readonly open: readonly Span[] } {
    this.#take()
    return { closed: this.#closed, open: this.#forest.open(this.#last) }
  }

  #take(): void {
    const [first] = this.#frame
    if (!first) return
    const events = this.#frame.flatMap(({ type, v, data }) => {
      const decoded = eventCodec.decode({ type, ...(v === undefined ? {} : { v }), data })
      return decoded.kind === 'known' ? [decoded.event] : []
    })
    this.#frame = []
    this.#last = Math.max(this.#last, first.at)
    const { session = this.#session, n, at, by, trace } = first
    this.#closed.push(...this.#forest.take({ session, n, at, by, trace, events }))
  }
}

/** Those of a session and of everything that was asked for in it. */
export function spansWithin(spans: readonly Span[], session: string): readonly Span[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const known = new Map<string, boolean>()
  const within = (span: Span): boolean => {
    if (span.session === session) return true
    const there = known.get(span.spanId)
    if (there !== undefined) return there
    known.set(span.spanId, false)
    const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId)
    const inside = parent !== undefined && within(parent)
    known.set(span.spanId, inside)
    return inside
  }
  return spans.filter(within)
}
