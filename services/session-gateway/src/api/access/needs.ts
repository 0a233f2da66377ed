// What an operation needs, as data, and whether a caller has it. Pure.
//   N1. A need is an "or" of "and"s of permissions. A permission of it may have holes, such as agent:{agent}:start, which the subject of
//       the request fills: with names, each as one word (PG3 of libs/contracts/src/access/permissions.ts).
//   N2. What a caller may of a need is a list of alternatives, each of which fixes some of the holes: [] is nothing, [{}] everything. Lists
//       are filtered with it, in the query itself, so that a page is never shorter for what it does not show.
//   N3. A hole that the subject does not fill is decided by the alternatives: a request that says nothing of it is no request for all.
import { covers, nameOfSegment, segmentOf } from '@reins/contracts'

export const holes = [
  ...(['agent', 'session', 'tool', 'secret', 'config', 'webhook', 'scope'] as const),
  ...(['principal', 'role', 'token', 'workflow'] as const),
]
export type Hole = (typeof holes)[number]

/** What a request is about. */
export type Subject = { readonly [H in Hole]?: string | undefined }

/** N1. Any of the lists, all that is in it. */
export type Need = readonly (readonly string[])[]

/** N2. */
export type Alternatives = readonly Subject[]

export const everything: Alternatives = [{}]

const holeOf = (word: string): Hole | undefined => (word.startsWith('{') ? (word.slice(1, -1) as Hole) : undefined) // the table of operations is checked by its test

/** With what is known of the subject in it. */
export const fill = (permission: string, subject: Subject): string =>
  permission
    .split(':')
    .map((word) => {
      const hole = holeOf(word)
      const name = hole && subject[hole]
      return name === undefined ? word : segmentOf(name)
    })
    .join(':')

/** As people are told: what is not known stands as <agent>. */
export const toldAs = (permission: string): string => permission.replaceAll(/\{(\w+)\}/g, '<$1>')

/** N2. */
export function allowedOf(granted: readonly string[], need: Need, subject: Subject = {}): Alternatives {
  if (granted.includes('*')) return everything
  return simplest(
    need.flatMap((all) =>
      all.reduce<Alternatives>((so, permission) => both(so, openTo(granted, fill(permission, subject))), everything),
    ),
  )
}

/** Whether all that the need asks for is there, whatever fills the holes that the subject leaves. */
export const permits = (granted: readonly string[], need: Need, subject: Subject = {}): boolean =>
  allowedOf(granted, need, subject).some(isEverything)

export const isEverything = (alternative: Subject): boolean =>
  Object.values(alternative).every((value) => value === undefined)

export const allowsAll = (alternatives: Alternatives): boolean => alternatives.some(isEverything)

/** Whether what has these names is among the alternatives. */
export const among = (alternatives: Alternatives, subject: Subject): boolean =>
  alternatives.some((one) => holes.every((hole) => one[hole] === undefined || one[hole] === subject[hole]))

/** What of a permission with holes is granted: names for the holes, or any. */
function openTo(granted: readonly string[], permission: string): Alternatives {
  const words = permission.split(':')
  const open = words.flatMap((word, at) => {
    const hole = holeOf(word)
    return hole ? [{ hole, at }] : []
  })
  return granted.flatMap((grant) => {
    const parts = grant.split(':')
    const exact = words.map((word, at) => (holeOf(word) && parts[at] !== undefined ? parts[at] : word)).join(':')
    if (!covers(grant, exact)) return []
    const names = open.flatMap(({ hole, at }) => {
      const part = parts[at]
      return part === undefined || part === '*' ? [] : [[hole, nameOfSegment(part)] as const]
    })
    return [Object.fromEntries(names) as Subject]
  })
}

/** All that is in both. */
export function both(ones: Alternatives, others: Alternatives): Alternatives {
  return ones.flatMap((one) =>
    others.flatMap((other) => {
      const clash = holes.some(
        (hole) => one[hole] !== undefined && other[hole] !== undefined && one[hole] !== other[hole],
      )
      return clash ? [] : [{ ...one, ...other }]
    }),
  )
}

/** Without what another alternative lets in already. */
function simplest(alternatives: Alternatives): Alternatives {
  if (allowsAll(alternatives)) return everything
  const seen = new Map(alternatives.map((one) => [JSON.stringify(holes.map((hole) => one[hole] ?? null)), one]))
  const all = [...seen.values()]
  return all.filter((one) => !all.some((other) => other !== one && among([other], one)))
}
