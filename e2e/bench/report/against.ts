// These rounds against those of a saved run, row by row. Pure but for reading the file.
//   A1. A difference counts only where no round of one run lies between the rounds of the other: a shared machine makes figures of its own.
//   A2. Where the machine itself was another one by more than a tenth (the column `raw`), a row says so: its ratio is also the machine's.
import { readFileSync } from 'node:fs'
import { median } from './numbers.ts'
import type { Row } from './row.ts'
import { rows } from './rows.ts'
import { columns, configurationOf, shown } from './table.ts'
import type { Visit } from './visit.ts'

export type Said = 'better' | 'worse' | 'within the spread' | 'one round each'

export interface Compared {
  readonly what: string
  readonly configuration: string
  readonly before: Rounds
  readonly now: Rounds
  /** Of the medians, now through before. */
  readonly ratio: number
  /** Of what the machine gives, now through before; undefined: the row has no such figure. */
  readonly machine: number | undefined
  readonly said: Said
}

export interface Rounds {
  readonly median: number
  readonly least: number
  readonly most: number
  readonly count: number
}

/** How far the machine's own figures may differ before a row says so. */
const sameMachine = 0.1

export function compare(now: readonly Visit[], then: readonly Visit[]): readonly Compared[] {
  const configurations = [...new Set(now.map(configurationOf))]
  return rows.flatMap((row) =>
    configurations.flatMap((configuration) => {
      const here = now.filter((visit) => configurationOf(visit) === configuration)
      const there = then.filter((visit) => configurationOf(visit) === configuration)
      const [ours, theirs] = [roundsOf(row, here), roundsOf(row, there)]
      if (!ours || !theirs) return []
      const [machineNow, machineThen] = [rawOf(row, here), rawOf(row, there)]
      return [
        {
          ...{ what: `${row.what} [${row.unit}]`, configuration, before: theirs, now: ours },
          ratio: ours.median / theirs.median,
          machine: machineNow !== undefined && machineThen !== undefined ? machineNow / machineThen : undefined,
          said: saidOf(row, ours, theirs),
        },
      ]
    }),
  )
}

/** A1 */
function saidOf({ more = false }: Row, now: Rounds, then: Rounds): Said {
  if (now.count < 2 || then.count < 2) return 'one round each'
  if (now.least > then.most) return more ? 'better' : 'worse'
  if (now.most < then.least) return more ? 'worse' : 'better'
  return 'within the spread'
}

function roundsOf(row: Row, visits: readonly Visit[]): Rounds | undefined {
  const judged = visits.flatMap((visit) => row.figures(visit)?.[0] ?? []).filter(Number.isFinite)
  if (judged.length === 0) return undefined
  return { median: median(judged), least: Math.min(...judged), most: Math.max(...judged), count: judged.length }
}

function rawOf(row: Row, visits: readonly Visit[]): number | undefined {
  const known = visits.flatMap((visit) => row.raw?.(visit) ?? []).filter(Number.isFinite)
  return known.length === 0 ? undefined : median(known)
}

export function formatComparison(compared: readonly Compared[], file: string): string {
  if (compared.length === 0) return `Nothing of ${file} was measured now: there is nothing to compare.`
  const other = compared.filter(({ machine }) => machine !== undefined && Math.abs(machine - 1) > sameMachine)
  const unclear = compared.filter(({ said }) => said === 'within the spread').length
  const text = ({ median: middle, least, most }: Rounds): string =>
    least === most ? shown(middle) : `${shown(middle)} (${shown(least)} to ${shown(most)})`
  const lines = compared.map(({ what, configuration, before, now, ratio, machine, said }) => [
    ...[what, configuration, text(before), text(now), ratio.toFixed(2)],
    ...[machine === undefined ? '' : machine.toFixed(2), said],
  ])
  return [
    columns([['', 'configuration', 'before', 'now', 'ratio', 'machine', ''], ...lines]),
    '',
    `Against ${file}. The ratio is now through before, of the medians; machine is the same of the raw costs beside it.`,
    ...(unclear > 0
      ? [
          `In ${unclear} of ${compared.length} rows the rounds of both runs overlap: the machine is too noisy to tell a difference there.`,
        ]
      : []),
    ...(other.length > 0
      ? [
          `In ${other.length} rows the machine itself differs by more than a tenth from what it was then: run both again.`,
        ]
      : []),
  ].join('\n')
}

/** The visits of a file that `npm run bench` wrote. Throws an Error that says what is wrong with it. */
export function savedVisits(file: string): readonly Visit[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Error(`--against: ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  const visits = typeof parsed === 'object' && parsed !== null && 'visits' in parsed ? parsed.visits : undefined
  if (!Array.isArray(visits) || visits.length === 0)
    throw new Error(`--against: ${file} holds no rounds. Give a file that npm run bench wrote`)
  return visits as readonly Visit[]
}
