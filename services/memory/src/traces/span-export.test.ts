import { readFileSync } from 'node:fs'
import path from 'node:path'
import { decodeFrame, type Frame, knownEvents, parseSessionSubject } from '@reins/contracts'
import { orphans, type Span, SpanForest } from '@reins/trace'
import { expect, test } from 'vitest'
import { SpanExport, type SpanSink } from './span-export.ts'

interface Stored {
  readonly session: string
  readonly frame: Frame
}

const golden = path.join(import.meta.dirname, '..', '..', '..', '..', 'libs', 'session', 'golden')

/** A team of three, as it was recorded: its frames in the order of the stream. */
const stream: readonly Stored[] = ['team-lead', 'team-middle', 'team-careful']
  .flatMap((name) => {
    const { frames } = JSON.parse(readFileSync(path.join(golden, `${name}.golden.json`), 'utf8'))
    return frames.map(
      (stored: { seq: number; subject: string; headers: Record<string, string>; body: string }): Stored => {
        const { seq, subject, headers, body } = stored
        const { session = '', role = 'g' } = parseSessionSubject(subject) ?? {}
        return { session, frame: decodeFrame({ seq, role, body, header: (name) => headers[name] ?? '' }) }
      },
    )
  })
  .toSorted((a: Stored, b: Stored) => a.frame.seq - b.frame.seq)

const sessions = {
  read: async (session: string, { after = 0, limit = 500 }: { after?: number; limit?: number } = {}) =>
    stream
      .filter((one) => one.session === session && one.frame.seq > after)
      .slice(0, limit)
      .map(({ frame }) => frame),
}

function regenerated(): readonly Span[] {
  const forest = new SpanForest()
  return stream.flatMap(({ session, frame }) => forest.take({ ...frame, session, events: knownEvents(frame) }))
}

const log = { warn: () => undefined, info: () => undefined }
const byId = (spans: Iterable<Span>) => [...spans].toSorted((a, b) => (a.spanId < b.spanId ? -1 : 1))

class Collector implements SpanSink {
  readonly taken = new Map<string, Span>()
  refuses = 0

  async export(spans: readonly Span[]): Promise<void> {
    if (this.refuses > 0) {
      this.refuses--
      throw new Error('the collector is away')
    }
    for (const span of spans) this.taken.set(`${span.traceId}/${span.spanId}`, span)
  }
}

const exporting = (sink: SpanSink) => new SpanExport({ sessions, sink, log, retryMs: [1] })
const { signal } = new AbortController()

test('what is exported while sessions work is what is made again from their logs', async () => {
  const collector = new Collector()
  const exported = exporting(collector)
  for (let at = 0; at < stream.length; at += 5) await exported.export(stream.slice(at, at + 5), signal)
  expect(byId(collector.taken.values())).toEqual(byId(regenerated()))
  expect(orphans([...collector.taken.values()])).toEqual([])
})

test('a collector that is away loses nothing: what it did not take is given again', async () => {
  const collector = new Collector()
  collector.refuses = 5
  const exported = exporting(collector)
  const done = exported.export(stream, signal)
  expect(exported.oldest()).toBe(stream[0]?.frame.at)
  expect(await done).toBe(true)
  expect(exported.oldest()).toBeUndefined()
  expect(collector.taken.size).toBe(regenerated().length)
})

test('what is not taken when it is told to stop is not said to be exported', async () => {
  const collector = new Collector()
  collector.refuses = Number.POSITIVE_INFINITY
  const stopping = new AbortController()
  const done = exporting(collector).export(stream, stopping.signal)
  stopping.abort()
  expect(await done).toBe(false)
})

test('wherever a process dies, the next one makes the trace whole', async () => {
  const whole = byId(regenerated())
  for (let said = 1; said < stream.length; said += 7) {
    const collector = new Collector()
    // It had sent a little more than it had written down.
    await exporting(collector).export(stream.slice(0, said + 2), signal)
    await exporting(collector).export(stream.slice(said), signal)
    expect(byId(collector.taken.values())).toEqual(whole)
  }
})

test('two processes that share the stream export one whole trace', async () => {
  const collector = new Collector()
  await Promise.all(
    [0, 1].map((which) =>
      exporting(collector).export(
        stream.filter((_, at) => at % 2 === which),
        signal,
      ),
    ),
  )
  expect(byId(collector.taken.values())).toEqual(byId(regenerated()))
})

test('a frame that comes again gives its spans again', async () => {
  const collector = new Collector()
  const exported = exporting(collector)
  await exported.export(stream, signal)
  collector.taken.clear()
  await exported.export(stream, signal)
  expect(collector.taken.size).toBe(regenerated().length)
})
