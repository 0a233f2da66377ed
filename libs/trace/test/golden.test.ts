import { describe, expect, test } from 'vitest'
import { orphans, type Span, SpanForest, spanNodes } from '@reins/trace'
import { goldenFrames, goldenNames } from './golden.ts'

const spansOf = (name: string, forest = new SpanForest()): readonly Span[] =>
  goldenFrames(name).flatMap((frame) => forest.take(frame))

const drawn = (spans: readonly Span[]): string =>
  spanNodes(spans)
    .map(({ span, depth }) => `${'  '.repeat(depth)}${span.name}${span.failed ? ` ✗ ${span.failed.type}` : ''}`)
    .join('\n')

/** Their sessions stand below others, whose logs are no golden journals. */
const children = ['given-tools-below', 'images-below', 'run-below', 'team-careful', 'team-middle']

describe.each(goldenNames)('the recorded session %s', (name) => {
  test('every span has an end, an id of its own, and its parent in the same trace', () => {
    const forest = new SpanForest()
    const spans = spansOf(name, forest)
    expect(spans.length).toBeGreaterThan(0)
    expect(forest.open(0)).toEqual([])
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length)
    expect(orphans(spans).map((span) => span.name)).toEqual(children.includes(name) ? [expect.any(String)] : [])
    for (const span of spans) expect(span.end).toBeGreaterThanOrEqual(span.start)
  })

  test('the same log has the same spans, whoever folds it and however often frames come', () => {
    const spans = spansOf(name)
    expect(spansOf(name)).toEqual(spans)
    const forest = new SpanForest()
    const twice = goldenFrames(name).flatMap((frame) => [...forest.take(frame), ...forest.take(frame)])
    expect(twice).toEqual(spans)
  })

  test('nothing that was said stands in a span', () => {
    for (const { attributes } of spansOf(name))
      for (const key of Object.keys(attributes))
        expect(key).not.toMatch(/^gen_ai\..*(messages|arguments|result|instructions|definitions)$/)
  })
})

test('a lost attempt is a span of its own that failed, and the one that took over links to it', () => {
  const spans = spansOf('throttled-and-failed')
  const failed = spans.filter((span) => span.failed && span.name.startsWith('chat'))
  expect(failed.length).toBeGreaterThan(0)
  const again = spans.filter(({ links }) => links.some(({ why }) => why === 'retry'))
  for (const { links } of again)
    for (const { spanId, why } of links)
      if (why === 'retry') expect(failed.map((span) => span.spanId)).toContain(spanId)
})

test('a call that waits for a person shows for how long', () => {
  const drawing = drawn(spansOf('approvals'))
  expect(drawing).toContain('  execute_tool shell\n    approval shell')
  expect(drawing).toContain('  execute_tool shell ✗ denied\n    approval shell')
})

const together = (...names: readonly string[]): readonly Span[] => {
  const forest = new SpanForest()
  return names
    .flatMap(goldenFrames)
    .toSorted((a, b) => (a.seq ?? 0) - (b.seq ?? 0))
    .flatMap((frame) => forest.take(frame))
}

test('a run is one trace, with a span for each operation that it waits for', () => {
  const spans = together('run', 'run-below')
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
  expect(drawn(spans)).toMatchInlineSnapshot(`
    "invoke_workflow flow
      prompt default/default
        invoke_agent helper
          chat assistant
      step charge
      wait paid
      wait pause"
  `)
})

test('a team is one trace: each child stands below the call that made it', () => {
  const spans = together('team-lead', 'team-middle', 'team-careful')
  expect(orphans(spans)).toEqual([])
  expect(drawn(spans)).toMatchInlineSnapshot(`
    "invoke_agent lead
      chat assistant
      delegate middle
        invoke_agent middle
          chat assistant
          delegate leaf
          chat assistant
      chat assistant
    invoke_agent lead
      chat assistant
      delegate careful
        invoke_agent careful
          chat assistant
          execute_tool shell
            approval shell
          chat assistant
      chat assistant
    invoke_agent lead
      chat assistant
      delegate careful
      chat assistant
    invoke_agent lead
      chat assistant
      delegate middle"
  `)
})
