// One line of the table. Pure.
import type { Spread } from './numbers.ts'
import type { Visit } from './visit.ts'

export interface Row {
  readonly what: string
  readonly unit: string
  /** As people read it; '' where there is none. */
  readonly budget: string
  /** The bare cost of the machine that belongs to it. */
  raw?(visit: Visit): number | undefined
  /** Figures of one visit, the judged one first. */
  figures(visit: Visit): readonly number[] | undefined
  /** The judged figure must not be above it, or with `more` not below it. undefined: no budget in this configuration. */
  limit?(visit: Visit): number | undefined
  readonly more?: boolean
}

export const three = (spread: Spread | undefined): readonly number[] | undefined =>
  spread && [spread.p50, spread.p95, spread.p99]
export const one = (value: number | undefined): readonly number[] | undefined =>
  value === undefined ? undefined : [value]
