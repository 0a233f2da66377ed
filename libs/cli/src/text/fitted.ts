/** A terminal that is too low gets the first rows, and how many there are more. */
export function fitted(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines
  return [...lines.slice(0, rows - 1), `… and ${lines.length - rows + 1} more lines`]
}
