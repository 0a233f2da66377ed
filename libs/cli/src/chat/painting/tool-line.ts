// A tool call on one line: what it is called with, how it ended, how long it took.
import type { Piece, RunningTool, ToolOutcome } from '@reins/transcript'
import { cells, cut } from '../../text/cells.ts'
import { oneLine } from '../../text/neutralise.ts'
import type { Style } from '../../text/style.ts'
import { span } from '../../text/when.ts'

/** The argument that says most, by itself; the others by name behind it. */
const foremost = ['command', 'path', 'pattern', 'agent', 'query', 'url']

export function toolInput(input: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(input).filter(([, value]) => value !== undefined)
  const first = foremost.find((name) => typeof input[name] === 'string')
  const rest = entries.filter(([name]) => name !== first)
  const texts = rest.map(
    ([name, value]) => `${name}=${typeof value === 'string' ? quoted(value) : JSON.stringify(value)}`,
  )
  // Long inputs (a file's content) are only begun: the line is cut anyway, and neutralising megabytes is not free.
  return oneLine([first === undefined ? '' : String(input[first]), ...texts].join(' ').slice(0, 2000))
}

const quoted = (value: string): string =>
  /^[\w./:@-]{1,40}$/.test(value) ? value : JSON.stringify(value.slice(0, 400))

const marks: Readonly<Record<ToolOutcome, string>> = { ok: '✓', error: '✗', unknown: '?', cancelled: '⊘' }

function line(name: string, input: string, end: string, width: number, style: Style): string {
  const head = `● ${style.bold(oneLine(name))} `
  const room = width - cells(head) - cells(end) - 1
  if (room < 4) return cut(`${head}${end}`, width)
  return `${head}${cut(input, room)}${input === '' ? '' : ' '}${end}`
}

/** A call that ended; one that did not go well shows the first line of what it said. */
export function toolLines(piece: Extract<Piece, { kind: 'tool' }>, width: number, style: Style): string[] {
  const paint = piece.outcome === 'ok' ? style.green : piece.outcome === 'error' ? style.red : style.yellow
  const time = piece.ms === undefined ? '' : ` ${style.dim(span(piece.ms))}`
  const note = piece.note === undefined ? '' : ` ${style.dim(`· ${piece.note}`)}`
  const end = `${paint(marks[piece.outcome])}${piece.outcome === 'cancelled' ? ` ${paint('cancelled')}` : ''}${time}${note}`
  const lines = [line(piece.name, toolInput(piece.input), end, width, style)]
  if (piece.outcome === 'error' || piece.outcome === 'unknown') {
    const said = piece.output
      .split('\n')
      .map(oneLine)
      .find((text) => text !== '')
    if (said !== undefined) lines.push(cut(`  ${paint(said)}`, width))
  }
  lines.push(...(piece.below ?? []).map((row) => cut(row, width)))
  return lines
}

/** A call that runs, with the last line that it wrote. */
export function runningLines(tool: RunningTool, now: number, width: number, style: Style): string[] {
  const again = tool.attempt > 1 ? ` ${style.yellow(`attempt ${tool.attempt}`)}` : ''
  const end = `${style.dim(`… ${span(now - tool.since)}`)}${again}`
  const lines = [line(tool.name, toolInput(tool.input), end, width, style)]
  const last = tool.tail
    .split('\n')
    .map(oneLine)
    .findLast((text) => text !== '')
  if (last !== undefined) lines.push(cut(style.dim(`  ${last}`), width))
  return lines
}
