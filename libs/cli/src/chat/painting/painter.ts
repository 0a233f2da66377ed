// Lines onto a terminal: printed lines scroll up, the live lines below them are painted over. The only place that moves a cursor.
//   P1. It knows where it left the cursor, and goes up by as many rows as lie above it; nothing else may write meanwhile.
//   P2. After a change of width the rows are counted anew: terminals fold lines that no longer fit.
import { cells } from '../../text/cells.ts'
import type { LiveView } from './live-view.ts'

const nothing: LiveView = { lines: [] }

export class Painter {
  readonly #write: (text: string) => void
  #view: LiveView = nothing
  /** Columns at the last paint. */
  #columns: number

  constructor(write: (text: string) => void, columns: number) {
    this.#write = write
    this.#columns = columns
  }

  paint(printed: readonly string[], view: LiveView, columns: number): void {
    if (printed.length === 0 && columns === this.#columns && same(view, this.#view)) return
    const up = this.#rowsAboveCursor(columns)
    const text = [...printed.map((line) => `${line}\r\n`), view.lines.join('\r\n')].join('')
    const row = view.cursor?.row ?? Math.max(0, view.lines.length - 1)
    const down = view.lines.length - 1 - row
    const place =
      view.cursor === undefined
        ? ''
        : `${down > 0 ? `\x1b[${down}A` : ''}\r${view.cursor.column > 0 ? `\x1b[${view.cursor.column}C` : ''}`
    this.#write(`\x1b[?25l\r${up > 0 ? `\x1b[${up}A` : ''}\x1b[J${text}${place}\x1b[?25h`)
    this.#view = view
    this.#columns = columns
  }

  /** Takes the live lines away; the cursor stands where they began. */
  clear(columns: number): void {
    this.paint([], nothing, columns)
  }

  #rowsAboveCursor(columns: number): number {
    const { lines, cursor } = this.#view
    const row = cursor?.row ?? Math.max(0, lines.length - 1)
    const folded = (width: number) => Math.max(1, Math.ceil(width / Math.max(1, columns)))
    let rows = 0
    for (const line of lines.slice(0, row)) rows += folded(cells(line))
    return rows + Math.floor((cursor?.column ?? 0) / Math.max(1, columns))
  }
}

const same = (a: LiveView, b: LiveView): boolean =>
  a.lines.length === b.lines.length &&
  a.lines.every((line, index) => line === b.lines[index]) &&
  a.cursor?.row === b.cursor?.row &&
  a.cursor?.column === b.cursor?.column
