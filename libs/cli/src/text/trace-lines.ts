// The trace of a session as lines: each span under the span that it is in, when it began, how long it took, and what went wrong. Pure.
//   What agents, tools and models are called comes from outside: it is neutralised here.
import { type Span, spanNodes } from '@reins/trace'
import { cells, cut } from './cells.ts'
import { oneLine } from './neutralise.ts'
import type { Style } from './style.ts'

/** `open`: ids of spans that have not ended. */
export function traceLines(
  spans: readonly Span[],
  open: ReadonlySet<string>,
  width: number | undefined,
  style: Style,
): readonly string[] {
  const nodes = spanNodes(spans)
  const more: boolean[] = []
  let zero = 0
  const rows = nodes.map(({ span, depth }, at) => {
    if (depth === 0) zero = span.start
    const rest = nodes.slice(at + 1)
    const end = rest.findIndex((one) => one.depth <= depth)
    const isLast = end < 0 || (rest[end]?.depth ?? 0) < depth
    const lead = more
      .slice(1, depth)
      .map((goesOn) => (goesOn ? '│  ' : '   '))
      .join('')
    more[depth] = !isLast
    const branch = depth === 0 ? '' : isLast ? '└─ ' : '├─ '
    return {
      what: `${lead}${branch}${oneLine(span.name)}`,
      when: `+${duration(span.start - zero)}`,
      took: open.has(span.spanId) ? 'open' : duration(span.end - span.start),
      about: aboutOf(span),
      failed: span.failed !== undefined,
    }
  })
  const widest = Math.max(0, ...rows.map(({ what }) => cells(what)))
  const whens = Math.max(0, ...rows.map(({ when }) => when.length))
  const tooks = Math.max(0, ...rows.map(({ took }) => took.length))
  return rows.map(({ what, when, took, about, failed }) => {
    const line = `${what}${' '.repeat(widest - cells(what))}  ${when.padStart(whens)}  ${took.padStart(tooks)}`
    const said = about === '' ? '' : `  ${failed ? style.red(about) : style.dim(about)}`
    return width === undefined ? `${line}${said}`.trimEnd() : cut(`${line}${said}`, width)
  })
}

const duration = (ms: number): string => (ms < 10_000 ? `${ms}ms` : `${(ms / 1000).toFixed(1)}s`)

function aboutOf({ failed, attributes, links }: Span): string {
  const tokens = attributes['gen_ai.usage.input_tokens']
  return oneLine(
    [
      failed?.type,
      failed === undefined && attributes['reins.outcome'] !== 'completed' && attributes['reins.outcome'] !== 'ok'
        ? attributes['reins.outcome']
        : undefined,
      tokens === undefined ? undefined : `${tokens} in, ${attributes['gen_ai.usage.output_tokens']} out`,
      links.some(({ why }) => why === 'retry') ? 'again' : undefined,
    ]
      .filter((part) => part !== undefined)
      .join(' · '),
  )
}
