// The spans of many sessions: their frames in the order of the stream, in which a call stands before the session that it makes.
//   FO1. A session that is not known is folded from its beginning; whoever holds the frames gives them (`history`).
//   FO2. What is at rest is forgotten when there is too much of it; sessions in which something is open are kept longest.
import type { SessionEvent } from '@reins/contracts'
import { type Moment, SessionSpans, type SpanOptions } from './session-spans.ts'
import type { Span } from './span.ts'

/** The events of one frame, as far as this code knows them. */
export interface SpanFrame extends Moment {
  readonly session: string
  /** Where it stands in the stream, for whoever reads on from there. */
  readonly seq?: number
  readonly events: readonly SessionEvent[]
}

interface Known {
  readonly spans: SessionSpans
  /** The last frame that it has. */
  n: number
  seq: number
}

export class SpanForest {
  readonly #known = new Map<string, Known>()
  readonly #options: SpanOptions
  readonly #most: number

  /** `most`: sessions that are kept. */
  constructor(options: Omit<SpanOptions, 'traceOfCall'> = {}, most = Number.POSITIVE_INFINITY) {
    this.#most = most
    this.#options = {
      ...options,
      traceOfCall: (session, call) => this.traceOfCall(session, call),
    }
  }

  /** undefined: the session is not known, or has not made this call. */
  traceOfCall(session: string, call: string): string | undefined {
    return this.#known.get(session)?.spans.traceOfCall(call)
  }

  /** The last frame of the session that is in it; undefined: the session is not known. */
  knows(session: string): { readonly n: number; readonly seq: number } | undefined {
    return this.#known.get(session)
  }

  /** The spans that this frame closes. One that was taken already closes none. */
  take({ session, events, seq = 0, ...moment }: SpanFrame): readonly Span[] {
    const known = this.#of(session)
    if (moment.n <= known.n) return []
    known.n = moment.n
    known.seq = seq
    const closed = events.flatMap((event) => known.spans.take(event, moment))
    this.#forget()
    return closed
  }

  /** What is open in all of them. */
  open(now: number): readonly Span[] {
    return [...this.#known.values()].flatMap(({ spans }) => spans.open(now))
  }

  #of(session: string): Known {
    const known = this.#known.get(session) ?? { spans: new SessionSpans(session, this.#options), n: 0, seq: 0 }
    // The newest stand at the end.
    this.#known.delete(session)
    this.#known.set(session, known)
    return known
  }

  /** FO2. */
  #forget(): void {
    if (this.#known.size <= this.#most) return
    const oldest = [...this.#known].slice(0, Math.ceil(this.#most / 10))
    const atRest = oldest.filter(([, { spans }]) => spans.idle)
    for (const [session] of atRest.length > 0 ? atRest : oldest) this.#known.delete(session)
  }
}
