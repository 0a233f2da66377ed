// How many parts of a schema speak of one and the same value: references and alternatives multiply. Pure, and bounded itself.
import { isMapping, type JsonObject } from '@reins/contracts'

const lists = ['allOf', 'anyOf', 'oneOf']
const single = ['not', 'if', 'then', 'else']

/** Of the part that has the most; each part is looked at once. `endless`: it refers to itself for the same value. */
export function inPlaceParts(schema: JsonObject, most: number): number | 'endless' | 'too-many' {
  const known = new Map<unknown, number>()
  const open = new Set<unknown>()
  let endless = false
  const count = (part: unknown): number => {
    if (!isMapping(part)) return 0
    const before = known.get(part)
    if (before !== undefined) return before
    if (open.has(part)) {
      endless = true
      return 0
    }
    open.add(part)
    const inside = inPlace(part, schema).reduce((sum: number, one) => sum + count(one), 1)
    open.delete(part)
    known.set(part, inside)
    return inside
  }
  let largest = 0
  const look = (value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) look(one)
    if (!isMapping(value)) return
    largest = Math.max(largest, count(value))
    for (const one of Object.values(value)) look(one)
  }
  look(schema)
  if (endless) return 'endless'
  return largest > most ? 'too-many' : largest
}

function inPlace(part: JsonObject, root: JsonObject): readonly unknown[] {
  const { $ref, dependentSchemas } = part
  return [
    ...(typeof $ref === 'string' ? [targetOf($ref, root)] : []),
    ...lists.flatMap((name) => (Array.isArray(part[name]) ? part[name] : [])),
    ...single.flatMap((name) => (part[name] === undefined ? [] : [part[name]])),
    ...(isMapping(dependentSchemas) ? Object.values(dependentSchemas) : []),
  ]
}

/** undefined: it refers to nothing that is there by a path; compiling says so. */
function targetOf(ref: string, root: JsonObject): unknown {
  if (!ref.startsWith('#')) return undefined
  let at: unknown = root
  for (const step of ref.slice(1).split('/').slice(1)) {
    const name = decoded(step).replaceAll('~1', '/').replaceAll('~0', '~')
    at = (isMapping(at) || Array.isArray(at)) && Object.hasOwn(at, name) ? Reflect.get(at, name) : undefined
  }
  return at
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step)
  } catch {
    return step
  }
}
