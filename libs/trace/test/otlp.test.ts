import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Span, SpanForest } from '@reins/trace'
import { otlpJson, otlpSink } from '@reins/trace/otlp'
import { afterEach, expect, test } from 'vitest'
import { goldenFrames } from './golden.ts'

const forest = new SpanForest()
const spans: readonly Span[] = goldenFrames('throttled-and-failed').flatMap((frame) => forest.take(frame))

interface Otlp {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly unknown[] }
    readonly scopeSpans: readonly { readonly spans: readonly Record<string, unknown>[] }[]
  }[]
}
const spansOf = (json: unknown) =>
  (json as Otlp).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans))

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function collector(status: number): Promise<{ readonly url: string; readonly bodies: unknown[] }> {
  const bodies: unknown[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('error', () => undefined)
    request.on('data', (part) => {
      text += part
    })
    request.on('end', () => {
      bodies.push({ path: request.url, json: JSON.parse(text) })
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
    })
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies }
}

test('a span keeps its ids, its times to the millisecond, its parent, its failure and its links', () => {
  const found = spansOf(otlpJson(spans, { service: 'ours', version: '1.2.3' }))
  expect(found).toHaveLength(spans.length)
  for (const [i, span] of spans.entries()) {
    expect(found[i]).toMatchObject({
      ...{ traceId: span.traceId, spanId: span.spanId, name: span.name },
      startTimeUnixNano: `${span.start}000000`,
      endTimeUnixNano: `${span.end}000000`,
      status: span.failed ? { code: 2 } : { code: 0 },
    })
    expect(found[i]?.parentSpanId).toBe(span.parentSpanId)
    expect(found[i]?.links ?? []).toHaveLength(span.links.length)
  }
})

test('a collector is sent the same JSON, at the path of spans', async () => {
  const { url, bodies } = await collector(200)
  const sink = otlpSink({ url, service: 'ours' })
  await sink.export(spans)
  await sink.close()
  expect(bodies).toEqual([{ path: '/v1/traces', json: otlpJson(spans, { service: 'ours' }) }])
})

test('what a collector refuses is said', async () => {
  const { url } = await collector(400)
  const sink = otlpSink({ url })
  await expect(sink.export(spans)).rejects.toThrow()
  await sink.close()
})
