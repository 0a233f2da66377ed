// Reins and a peer of it, as a table for people. Pure.
//   S1. A ratio is that of one round, whose two figures were measured one right after the other; what is shown is their median and spread.
//   S2. An aim is met, or missed, where every round says so. Where the rounds do not agree, the machine is too noisy to tell.
import { median, type Spread } from './numbers.ts'
import { columns, shown } from './table.ts'

/** Its ratios have aims. */
export const toolTurn = 'tool turn'

/** Of Reins, and of the peer. */
type Both<T> = readonly [T, T]

/** Of one thing that is done again and again. */
export interface Figures {
  readonly ms: Spread
  readonly perSecond: number
  /** Of one of them: everything that the peer runs, without the client and the model. */
  readonly cpuMs: number
  /** The same of all that the machine has run: also the client, the model and strangers. */
  readonly machineCpuMs: number
  /** How many processors were in use; those of the machine are the most there can be. */
  readonly processors: number
}

export interface Measured {
  /** 'tool turn' */
  readonly what: string
  readonly clients: number
  readonly of: Both<Figures>
}

export interface Round {
  /** Of the machine, before it. */
  readonly load: number
  readonly measured: readonly Measured[]
}

/** ms from the kill of everything: until the model was asked again, and until requests were taken. */
export interface Restarts {
  readonly goingOnMs: readonly number[]
  readonly readyMs: readonly number[]
}

export interface Compared {
  readonly what: string
  readonly of: Both<readonly number[]>
  /** Of Reins through the peer. */
  readonly ratio: { readonly median: number; readonly least: number; readonly most: number }
  readonly aim?: { readonly atMost: number } | { readonly atLeast: number }
  readonly said: string
}

type Aim = Compared['aim']

/** By what is measured, and by how many clients: of the time, or of how many a second. */
const aims: Readonly<Record<string, Readonly<Record<number, NonNullable<Aim>>>>> = {
  [toolTurn]: { 1: { atMost: 0.7 }, 16: { atLeast: 1.5 }, 64: { atLeast: 1.4 } },
}

export function compared(rounds: readonly Round[], restarts: Both<Restarts>): readonly Compared[] {
  const kinds = new Map(
    rounds.flatMap(({ measured }) => measured.map(({ what, clients }) => [`${what} ${clients}`, { what, clients }])),
  )
  const lines = [...kinds.values()].flatMap(({ what, clients }) => {
    const found = rounds.flatMap(({ measured }) =>
      measured.filter((one) => one.what === what && one.clients === clients),
    )
    const of = (figure: (figures: Figures) => number): Both<readonly number[]> => [
      found.map((one) => figure(one.of[0])),
      found.map((one) => figure(one.of[1])),
    ]
    const who = `${what}, ${clients} client${clients === 1 ? '' : 's'}`
    const aim = aims[what]?.[clients]
    return [
      line(
        `${who}: p50 [ms]`,
        of(({ ms }) => ms.p50),
        aim && 'atMost' in aim ? aim : undefined,
      ),
      line(
        `${who}: how many [/s]`,
        of(({ perSecond }) => perSecond),
        aim && 'atLeast' in aim ? aim : undefined,
      ),
      line(
        `${who}: CPU of one [ms]`,
        of(({ cpuMs }) => cpuMs),
      ),
      line(
        `${who}: CPU of one, with its client and model [ms]`,
        of(({ machineCpuMs }) => machineCpuMs),
      ),
      line(
        `${who}: processors in use`,
        of(({ processors }) => processors),
      ),
    ]
  })
  return [
    ...lines,
    line('kill -9 of everything, until the model is asked again [ms]', [restarts[0].goingOnMs, restarts[1].goingOnMs]),
    line('kill -9 of everything, until requests are taken [ms]', [restarts[0].readyMs, restarts[1].readyMs]),
  ].filter(({ of }) => of[0].some((value) => value > 0)) // Only Linux says what the machine has run.
}

function line(what: string, of: Both<readonly number[]>, aim?: Aim): Compared {
  const ratios = of[0].flatMap((ours, at) => {
    const theirs = of[1][at]
    return theirs === undefined ? [] : [ours / theirs]
  })
  const ratio = { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
  return { what, of, ratio, ...(aim ? { aim } : {}), said: saidOf(ratios, aim) }
}

/** S2 */
function saidOf(ratios: readonly number[], aim: Aim): string {
  if (ratios.length < 2) return 'one round'
  const noisy = 'too noisy to tell'
  if (!aim) return ratios.every((one) => one < 1) || ratios.every((one) => one > 1) ? '' : noisy
  const reaches = (one: number): boolean => ('atMost' in aim ? one <= aim.atMost : one >= aim.atLeast)
  return ratios.every(reaches) ? 'met' : ratios.some(reaches) ? noisy : 'MISSED'
}

export function formatSideBySide(
  [ours, theirs]: Both<string>,
  rounds: readonly Round[],
  restarts: Both<Restarts>,
): string {
  const spreadOf = (values: readonly number[]): string => {
    const [least, most] = [shown(Math.min(...values)), shown(Math.max(...values))]
    return least === most ? least : `${shown(median(values))} (${least} to ${most})`
  }
  const aimOf = (aim: Aim): string =>
    aim ? ('atMost' in aim ? `≤ ${shown(aim.atMost)}` : `≥ ${shown(aim.atLeast)}`) : ''
  const lines = compared(rounds, restarts).map(({ what, of, ratio, aim, said }) => [
    ...[what, spreadOf(of[0]), spreadOf(of[1]), `${ratio.median.toFixed(2)}`],
    ...[`${ratio.least.toFixed(2)} to ${ratio.most.toFixed(2)}`, aimOf(aim), said],
  ])
  return [
    columns([['', ours, theirs, 'ratio', 'of the rounds', 'aim', ''], ...lines]),
    '',
    `Medians of ${rounds.length} round${rounds.length === 1 ? '' : 's'}, with the least and the most. A ratio is ${ours} through ${theirs} in one round; shown is their median.`,
    `Load of the machine before each round: ${rounds.map(({ load }) => load.toFixed(1)).join(', ')}.`,
  ].join('\n')
}
