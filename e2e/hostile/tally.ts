// The corpus in figures: by kind, and as one line.
import type { Kind, Tried } from './corpus.ts'

const crashed = ({ verdict }: Tried): boolean => verdict.kind === 'crashed' || verdict.kind === 'hung'
const answered = ({ verdict }: Tried): boolean => verdict.kind === 'answered'

/** For the terminal: a row for each kind that was tried, and the sum. */
export function tally(tried: readonly Tried[]): string {
  const kinds = [...new Set(tried.map(({ kind }) => kind))]
  const width = Math.max(...kinds.map((kind) => kind.length), 4)
  const row = (name: string, ...cells: readonly (string | number)[]): string =>
    `${name.padEnd(width)}${cells.map((cell) => String(cell).padStart(10)).join('')}`
  const rows = kinds.map((kind) => {
    const of = tried.filter((one) => one.kind === kind)
    return row(kind, of.length, of.filter(answered).length, of.filter(crashed).length)
  })
  const all = [tried.length, tried.filter(answered).length, tried.filter(crashed).length] as const
  return [
    row('kind', 'tried', 'answered', 'crashed'),
    ...rows,
    ...refusals(tried),
    `hostile: ${all[0]} tried, ${all[1]} answered, ${all[2]} crashed`,
  ].join('\n')
}

/** Of kinds all of which must be refused. */
const refusedKinds: readonly string[] = ['tokens', 'requests by hand', 'slow requests', 'foreign pages']

function refusals(tried: readonly Tried[]): readonly string[] {
  const of = tried.filter(({ kind }) => refusedKinds.includes(kind))
  return of.length === 0 ? [] : [`at the doors: ${of.length} tried, ${of.filter(answered).length} refused`]
}

/** Each case that did not end as it should, with what it did. */
export const failures = (tried: readonly Tried[]): readonly string[] =>
  tried.flatMap(({ kind, name, verdict }) => {
    switch (verdict.kind) {
      case 'answered':
        return []
      case 'hung':
        return [`${kind}: ${name}: it did not end`]
      case 'wrong':
      case 'crashed':
        return [`${kind}: ${name}: ${verdict.kind}: ${verdict.why}`]
      default:
        return verdict satisfies never
    }
  })

/** For README.md. */
export function kindsTable(kinds: readonly Kind<unknown>[]): string {
  const rows = kinds.map(({ kind, what, cases }) => `| ${kind} | ${cases.length} | ${what} |`)
  const sum = kinds.reduce((all, { cases }) => all + cases.length, 0)
  return ['| kind | cases | what is tried |', '|---|---|---|', ...rows, `| all | ${sum} | |`].join('\n')
}
