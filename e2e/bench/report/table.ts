// The visits as a table for people: each line a row, each column a configuration, medians over the rounds. Pure.
import { median } from './numbers.ts'
import type { Row } from './row.ts'
import { rows } from './rows.ts'
import type { Visit } from './visit.ts'

export type Verdict = 'met' | 'missed' | undefined

export interface Cell {
  /** Medians over the rounds; the first is judged. */
  readonly figures: readonly number[]
  /** The judged figure of the quietest round. */
  readonly best: number
  readonly limit: number | undefined
  readonly raw: number | undefined
  readonly verdict: Verdict
}

export const configurationOf = ({ durability, processes }: Visit): string => `${durability}, ${processes}`

/** undefined: it was not measured. */
export function cellOf(row: Row, visits: readonly Visit[]): Cell | undefined {
  const measured = visits.flatMap((visit) => {
    const figures = row.figures(visit)
    return figures ? [{ visit, figures }] : []
  })
  if (measured.length === 0) return undefined
  const width = measured[0]?.figures.length ?? 0
  const figures = Array.from({ length: width }, (_, at) => median(measured.map((one) => one.figures[at] ?? Number.NaN)))
  const judged = measured.map((one) => one.figures[0] ?? Number.NaN)
  const limit = medianOf(measured.map(({ visit }) => row.limit?.(visit)))
  const figure = figures[0] ?? Number.NaN
  return {
    figures,
    best: row.more ? Math.max(...judged) : Math.min(...judged),
    limit,
    raw: medianOf(measured.map(({ visit }) => row.raw?.(visit))),
    verdict: limit === undefined ? undefined : (row.more ? figure >= limit : figure <= limit) ? 'met' : 'missed',
  }
}

function medianOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : median(known)
}

export function formatTable(visits: readonly Visit[]): string {
  const configurations = [...new Set(visits.map(configurationOf))]
  const lines = rows.flatMap((row) => {
    const cells = configurations.map((name) =>
      cellOf(
        row,
        visits.filter((visit) => configurationOf(visit) === name),
      ),
    )
    if (cells.every((cell) => cell === undefined)) return []
    const raw = cells.every((cell) => cell?.raw === undefined)
      ? ''
      : cells.map((cell) => (cell?.raw === undefined ? '–' : shown(cell.raw))).join(' | ')
    return [[`${row.what} [${row.unit}]`, row.budget, raw, ...cells.map((cell) => (cell ? text(cell) : ''))]]
  })
  return columns([['', 'budget', 'raw', ...configurations], ...lines])
}

function text({ figures, limit, verdict, best }: Cell): string {
  const values = figures.map(shown).join(' / ')
  const quietest = shown(best) === shown(figures[0] ?? Number.NaN) ? '' : ` (best ${shown(best)})`
  if (verdict === undefined || limit === undefined) return `${values}${quietest}`
  return `${values}${quietest} ${verdict === 'met' ? 'met' : `MISSED, ${shown(limit)}`}`
}

export const shown = (value: number): string =>
  Math.abs(value) >= 100 ? String(Math.round(value)) : String(Math.round(value * 100) / 100)

export function columns(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((value, at) => value.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
