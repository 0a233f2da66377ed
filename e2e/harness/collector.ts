// A collector of spans: takes OTLP over HTTP as JSON, at a port that is free, and keeps what it is given.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { EventPage } from '@reins/contracts'
import { SpansOfEvents } from '@reins/trace'
import { otlpJson } from '@reins/trace/otlp'
import type { Api } from './api.ts'

/** As OTLP has it; only what tests look at. */
export interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[]
  readonly status: { readonly code?: number; readonly message?: string }
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[]
}

export interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: OtlpSpan['attributes'] }
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[]
  }[]
}

export const spansIn = ({ resourceSpans }: OtlpTraces): readonly OtlpSpan[] =>
  resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))

export const attribute = ({ attributes }: OtlpSpan, name: string): unknown =>
  Object.values(attributes.find(({ key }) => key === name)?.value ?? {})[0]

export class Collector {
  readonly #server: Server
  /** Each span once, however often it came. */
  readonly spans = new Map<string, OtlpSpan>()
  /** Of each request, as text: for tests that look for what must not be there. */
  readonly bodies: string[] = []
  readonly headers: Record<string, unknown>[] = []
  /** Answers so many requests with 503. */
  refuses = 0

  private constructor(server: Server) {
    this.#server = server
  }

  static async open(): Promise<Collector> {
    const server = createServer()
    const collector = new Collector(server)
    server.on('request', (request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('error', () => undefined)
      request.on('end', () => {
        const bytes = Buffer.concat(parts)
        const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8')
        if (collector.refuses > 0) {
          collector.refuses--
          return response.writeHead(503).end()
        }
        collector.bodies.push(text)
        collector.headers.push(request.headers)
        for (const span of spansIn(JSON.parse(text))) collector.spans.set(`${span.traceId}/${span.spanId}`, span)
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      })
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    return collector
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Those of a tree. */
  ofRoot(root: string): readonly OtlpSpan[] {
    return [...this.spans.values()].filter((span) => attribute(span, 'reins.root.id') === root)
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}

/** The spans of a tree, made again from its logs. */
export async function regenerated(api: Api, root: string): Promise<readonly OtlpSpan[]> {
  const events = new SpansOfEvents(root)
  for (let after = ''; ; ) {
    const query = `tree=true&limit=500${after === '' ? '' : `&after=${after}`}`
    const { body } = await api.once<EventPage>('GET', `/v1/sessions/${root}/events?${query}`)
    events.add(body.events)
    after = body.cursor
    if (!body.more) return spansIn(otlpJson(events.spans().closed) as OtlpTraces)
  }
}
