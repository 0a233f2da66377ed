// Aligned columns for people.
import { cells, cut, pad } from './cells.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** Gives way first where the terminal is narrow; without one, the widest column does. */
  readonly gives?: boolean
  /** Never cut while others can give way: an id that is cut is of no use. A column that `gives` then gives all it has. */
  readonly whole?: boolean
}

const gap = 2
const least = 4

/** Widths of the columns, so that a row is at most `width` cells; undefined width: as wide as the texts. */
function widths(columns: readonly Column[], rows: readonly (readonly string[])[], width: number | undefined): number[] {
  const natural = columns.map((column, index) =>
    Math.max(cells(column.title), ...rows.map((row) => cells(row[index] ?? ''))),
  )
  if (width === undefined) return natural
  let excess = natural.reduce((sum, one) => sum + one, 0) + gap * (columns.length - 1) - width
  const shrunk = [...natural]
  const anyWhole = columns.some(({ whole }) => whole === true)
  while (excess > 0) {
    const givers = shrunk
      .map((size, index) => ({ size, index, gives: columns[index]?.gives === true }))
      .filter(({ size, gives, index }) => size > (gives && anyWhole ? 0 : least) && columns[index]?.whole !== true)
      .sort((a, b) => Number(b.gives) - Number(a.gives) || b.size - a.size)
    const giver = givers[0]
    if (!giver) break
    shrunk[giver.index] = giver.size - 1
    excess--
  }
  // Of a text that has given nearly all it has, a lone "…" would be left.
  return shrunk.map((size, index) => (anyWhole && columns[index]?.gives === true && size < least ? 0 : size))
}

/** One text per line: the titles, then the rows. Cells that do not fit are cut; `width` is that of the terminal, if it is one. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: { readonly width?: number | undefined; readonly title?: (text: string) => string } = {},
): string[] {
  const sizes = widths(columns, rows, options.width)
  const line = (texts: readonly string[]) =>
    columns
      .map((column, index) =>
        pad(cut(texts[index]?.replace(/[\r\n\t]+/g, ' ') ?? '', sizes[index]!), sizes[index]!, column.align),
      )
      .join(' '.repeat(gap))
      .trimEnd()
  const title = options.title ?? ((text) => text)
  const lines = [title(line(columns.map((column) => column.title))), ...rows.map(line)]
  // Below the least widths of all columns the line itself is cut.
  return options.width === undefined ? lines : lines.map((one) => cut(one, options.width!))
}
