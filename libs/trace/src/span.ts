// A span: what took time in a session, from the event that opens it to the event that closes it.
import { spanIdOf, type SpanSubject, type TraceContext } from '@reins/contracts'

export type Attribute = string | number | boolean | readonly string[]
export type Attributes = Readonly<Record<string, Attribute>>

/** `why`: `retry` (the attempt before), `resume` (the call that began what this one goes on with), `before` (the turn before in the session). */
export interface SpanLink extends TraceContext {
  readonly why: 'retry' | 'resume' | 'before'
}

/** Something that happened within a span. */
export interface SpanMark {
  readonly name: string
  /** epoch ms */
  readonly at: number
  readonly attributes: Attributes
}

export interface Span extends TraceContext {
  /** Absent: it is the root of its trace. */
  readonly parentSpanId?: string
  /** Whose log it is read from. */
  readonly session: string
  readonly name: string
  readonly kind: 'internal' | 'client'
  /** epoch ms */
  readonly start: number
  readonly end: number
  readonly attributes: Attributes
  readonly links: readonly SpanLink[]
  readonly marks: readonly SpanMark[]
  readonly failed?: Failure
}

/** `type`: a word of a small set, for `error.type`. */
export interface Failure {
  readonly type: string
  readonly message?: string
}

/** What has begun, and gathers what it is told of until it is closed. */
export class OpenSpan implements TraceContext {
  readonly traceId: string
  readonly spanId: string
  readonly name: string
  readonly start: number
  readonly attributes: Record<string, Attribute>
  readonly links: SpanLink[] = []
  readonly marks: SpanMark[] = []
  readonly #rest: Pick<Span, 'parentSpanId' | 'session' | 'kind'>

  constructor(options: {
    readonly session: string
    readonly subject: SpanSubject
    readonly which: readonly (string | number)[]
    readonly traceId: string
    readonly parent: string | undefined
    readonly name: string
    readonly kind?: Span['kind']
    readonly at: number
    readonly attributes: Record<string, Attribute | undefined>
  }) {
    const { session, subject, which, traceId, parent, name, kind = 'internal', at, attributes } = options
    this.traceId = traceId
    this.spanId = spanIdOf(session, subject, ...which)
    this.name = name
    this.start = at
    this.attributes = {}
    this.set(attributes)
    this.#rest = { session, kind, ...(parent === undefined ? {} : { parentSpanId: parent }) }
  }

  /** What is undefined is left as it is. */
  set(attributes: Record<string, Attribute | undefined>): void {
    for (const [name, value] of Object.entries(attributes)) if (value !== undefined) this.attributes[name] = value
  }

  mark(name: string, at: number, attributes: Attributes = {}): void {
    if (this.marks.length < mostMarks) this.marks.push({ name, at, attributes })
  }

  /** The clocks of two processes may differ: no span ends before it begins. */
  end(at: number, failed?: Failure): Span {
    const { traceId, spanId, name, start, attributes, links, marks } = this
    if (failed) attributes['error.type'] = failed.type
    const shown = failed?.message === undefined ? failed : { ...failed, message: failed.message.slice(0, mostMessage) }
    return {
      ...{ traceId, spanId, ...this.#rest, name, start, end: Math.max(start, at) },
      ...{ attributes, links, marks },
      ...(shown ? { failed: shown } : {}),
    }
  }
}

const mostMarks = 64
const mostMessage = 500
