// Spans in the order in which a person reads them: each under the span that it is in, the oldest first. Pure.
import type { Span } from './span.ts'

export interface SpanNode {
  readonly span: Span
  readonly depth: number
}

/** A span whose parent is not among them stands at the top: it is shown all the same. */
export function spanNodes(spans: readonly Span[]): readonly SpanNode[] {
  const ids = new Set(spans.map(({ traceId, spanId }) => `${traceId}/${spanId}`))
  const below = new Map<string | undefined, Span[]>()
  const byAge = spans.toSorted((a, b) => a.start - b.start || b.end - a.end || (a.spanId < b.spanId ? -1 : 1))
  for (const span of byAge) {
    const parent = span.parentSpanId === undefined ? undefined : `${span.traceId}/${span.parentSpanId}`
    const above = parent !== undefined && ids.has(parent) ? parent : undefined
    const there = below.get(above)
    if (there) there.push(span)
    else below.set(above, [span])
  }
  const nodes: SpanNode[] = []
  const add = (span: Span, depth: number): void => {
    nodes.push({ span, depth })
    for (const child of below.get(`${span.traceId}/${span.spanId}`) ?? []) add(child, depth + 1)
  }
  for (const span of below.get(undefined) ?? []) add(span, 0)
  return nodes
}

/** Spans that name a parent which is not among them. */
export const orphans = (spans: readonly Span[]): readonly Span[] => {
  const ids = new Set(spans.map(({ traceId, spanId }) => `${traceId}/${spanId}`))
  return spans.filter(
    ({ traceId, parentSpanId }) => parentSpanId !== undefined && !ids.has(`${traceId}/${parentSpanId}`),
  )
}
