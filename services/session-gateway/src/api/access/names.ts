// What a caller may, of one kind of thing, as a list of names.
import { type Alternatives, type Hole, holes } from './needs.ts'

/** undefined: all. An alternative that asks for more than a name lets nothing in here. */
export function namesOf(alternatives: Alternatives, hole: Hole): readonly string[] | undefined {
  const names: string[] = []
  for (const one of alternatives) {
    if (holes.some((other) => other !== hole && one[other] !== undefined)) continue
    const name = one[hole]
    if (name === undefined) return undefined
    names.push(name)
  }
  return names
}
