// Traces: the ids of spans, which follow from what the log says. Whoever projects a log gives its spans the same ids, in any process and at
// any time; and whoever acts can name its span to others (traceparent) before that span is written anywhere.
import { hash } from 'node:crypto'

/** Which span of which trace: what a W3C traceparent says. Hex. */
export interface TraceContext {
  readonly traceId: string
  readonly spanId: string
}

const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/

/** undefined: it is none. */
export function parseTraceparent(text: string | undefined): TraceContext | undefined {
  const [, traceId, spanId] = (text === undefined ? undefined : form.exec(text)) ?? []
  if (traceId === undefined || spanId === undefined || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId }
}

/** Everything is recorded: a projection can be made of any log. */
export const traceparentOf = ({ traceId, spanId }: TraceContext): string => `00-${traceId}-${spanId}-01`

const digest = (parts: readonly (string | number)[], bytes: number): string =>
  hash('sha256', JSON.stringify(parts), 'hex').slice(0, bytes * 2)

/** What has a span of its own. `call`: a tool call, a delegation, or an operation of a run, by the name of its call. */
export type SpanSubject =
  | 'turn'
  | 'chat'
  | 'call'
  | 'attempt'
  | 'approval'
  | 'elicitation'
  | 'toolset'
  | 'compaction'
  | 'run'

export const spanIdOf = (session: string, subject: SpanSubject, ...which: readonly (string | number)[]): string =>
  digest(['span', session, subject, ...which], 8)

/** Of what nobody outside has given a trace: a turn, or a run with all of its turns. */
export const traceIdOf = (
  session: string,
  subject: 'turn' | 'run' | 'compaction',
  ...which: readonly string[]
): string => digest(['trace', session, subject, ...which], 16)
