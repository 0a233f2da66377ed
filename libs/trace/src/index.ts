// The door of @reins/trace: spans of sessions, as projections of their logs.
export { loadTraceSettings, type TraceSettings, tracesUrl } from './config.ts'
export type { Content } from './content.ts'
export { SpanForest, type SpanFrame } from './forest.ts'
export { type Moment, SessionSpans, type SpanOptions } from './session-spans.ts'
export type { Attribute, Attributes, Failure, Span, SpanLink, SpanMark } from './span.ts'
export { orphans, type SpanNode, spanNodes } from './span-tree.ts'
export { SpansOfEvents, spansWithin } from './from-events.ts'
