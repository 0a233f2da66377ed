import type { Span } from '@reins/trace'
import { expect, test } from 'vitest'
import { makeStyle } from './style.ts'
import { traceLines } from './trace-lines.ts'

const span = (spanId: string, name: string, start: number, end: number, more: Partial<Span> = {}): Span => ({
  ...{ traceId: 'a'.repeat(32), spanId, session: 's', name, kind: 'internal', start, end },
  ...{ attributes: {}, links: [], marks: [], ...more },
})

const spans = [
  span('1', 'invoke_agent lead', 1000, 14_000, {
    attributes: { 'reins.outcome': 'completed', 'gen_ai.usage.input_tokens': 7, 'gen_ai.usage.output_tokens': 5 },
  }),
  span('2', 'chat assistant', 1001, 1020, { parentSpanId: '1', failed: { type: 'lost' } }),
  span('3', 'chat assistant', 1020, 1040, {
    parentSpanId: '1',
    links: [{ traceId: 'a', spanId: '2', why: 'retry' }],
  }),
  span('4', 'delegate \u001b[31mhelper', 1041, 13_000, { parentSpanId: '1' }),
  span('5', 'invoke_agent helper', 1050, 1050, { parentSpanId: '4' }),
]

test('a trace is drawn as a tree, with when each span began, how long it took, and what went wrong', () => {
  const lines = traceLines(spans, new Set(['5']), undefined, makeStyle(false))
  expect(lines.join('\n')).toMatchInlineSnapshot(`
    "invoke_agent lead           +0ms  13.0s  7 in, 5 out
    ├─ chat assistant           +1ms   19ms  lost
    ├─ chat assistant          +20ms   20ms  again
    └─ delegate ␛[31mhelper    +41ms  12.0s
       └─ invoke_agent helper  +50ms   open"
  `)
  // What is called by others drives no terminal.
  expect(lines.join('')).not.toContain('\u001b')
})

test('in a narrow terminal lines are cut', () => {
  for (const line of traceLines(spans, new Set(), 30, makeStyle(false))) expect(line.length).toBeLessThanOrEqual(30)
})
