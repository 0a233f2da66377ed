// Spans as OTLP: for a collector, by the exporter of OpenTelemetry (its variables for headers, time-outs and compression are its own to
// read), and as the JSON that it sends. A door of its own: who exports nothing does not load it.
import { type Attributes, type HrTime, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { tracesUrl } from './config.ts'
import type { Attributes as OwnAttributes, Span } from './span.ts'

export interface OtlpOptions {
  /** Of a collector, or of its path for spans. */
  readonly url: string
  readonly service?: string
  readonly version?: string
  readonly resource?: Readonly<Record<string, string>>
}

/** Spans of one request: a collector takes 4 MB at least. */
const spansOfRequest = 500

export interface OtlpSink {
  /** Resolves when the collector has taken them all; rejects when it has not: some of them may be there. */
  export(spans: readonly Span[]): Promise<void>
  close(): Promise<void>
}

/** The caller closes it. */
export function otlpSink(options: OtlpOptions): OtlpSink {
  const resource = resourceOf(options)
  const exporter = new OTLPTraceExporter({ url: tracesUrl(options.url), concurrencyLimit: 1 })
  const send = (spans: ReadableSpan[]) =>
    new Promise<void>((resolve, reject) => {
      exporter.export(spans, ({ code, error }) =>
        // 0: the collector has taken them (ExportResultCode.SUCCESS).
        code === 0 ? resolve() : reject(error ?? new Error('the collector gave no reason')),
      )
    })
  return {
    async export(spans) {
      for (let at = 0; at < spans.length; at += spansOfRequest)
        await send(spans.slice(at, at + spansOfRequest).map((span) => readable(span, resource)))
    },
    close: () => exporter.shutdown(),
  }
}

/** As OTLP's JSON has it: `{ resourceSpans: [...] }`. */
export function otlpJson(spans: readonly Span[], options: Omit<OtlpOptions, 'url'> = {}): unknown {
  const resource = resourceOf(options)
  const bytes = JsonTraceSerializer.serializeRequest(spans.map((span) => readable(span, resource)))
  return JSON.parse(Buffer.from(bytes ?? new Uint8Array()).toString('utf8') || '{"resourceSpans":[]}')
}

const resourceOf = ({ service = 'reins', version, resource = {} }: Omit<OtlpOptions, 'url'>): Resource =>
  resourceFromAttributes({
    ...resource,
    'service.name': service,
    ...(version === undefined ? {} : { 'service.version': version }),
  })

const scope = { name: '@reins/trace' }
const kinds = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT } as const

function readable(span: Span, resource: Resource): ReadableSpan {
  const { traceId, parentSpanId, failed } = span
  const context = (spanId: string) => ({ traceId, spanId, traceFlags: 1 })
  return {
    name: span.name,
    kind: kinds[span.kind],
    spanContext: () => context(span.spanId),
    ...(parentSpanId === undefined ? {} : { parentSpanContext: context(parentSpanId) }),
    startTime: time(span.start),
    endTime: time(span.end),
    duration: time(span.end - span.start),
    ended: true,
    status: failed
      ? { code: SpanStatusCode.ERROR, message: failed.message ?? failed.type }
      : { code: SpanStatusCode.UNSET },
    attributes: attributesOf(span.attributes),
    links: span.links.map(({ why, ...linked }) => ({
      context: { ...linked, traceFlags: 1 },
      attributes: { 'reins.link': why },
    })),
    events: span.marks.map(({ name, at, attributes }) => ({
      ...{ name, time: time(at), attributes: attributesOf(attributes), droppedAttributesCount: 0 },
    })),
    resource,
    instrumentationScope: scope,
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  }
}

const time = (ms: number): HrTime => [Math.floor(ms / 1000), (ms % 1000) * 1_000_000]

const attributesOf = (attributes: OwnAttributes): Attributes =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, typeof value === 'object' ? [...value] : value]),
  )
