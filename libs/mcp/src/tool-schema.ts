// A server's JSON Schema of a tool's arguments, as every provider takes it. One schema that a provider refuses would spoil each request
// of the session, so what cannot be made right leaves the tool out.
//   J1. The root is an object with properties: no choice between forms there, which providers refuse. The server itself still checks.
//   J2. Nothing is fetched: a reference names a place in the schema itself.
//   J4. A reference leads to something: one that leads back to itself, at the same place of the arguments, fits nothing, and whoever
//       follows it does not come to an end. One that leads back further down (a tree) is taken.
//   J3. Bounded in characters, depth and parts, before anything walks it.
import { neutral } from './foreign-text.ts'
import { limits } from './limits.ts'

export type Usable =
  | { readonly kind: 'usable'; readonly schema: Record<string, unknown>; readonly changed: boolean }
  | { readonly kind: 'unusable'; readonly why: string }

type Json = Record<string, unknown>
export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const unusable = (why: string): Usable => ({ kind: 'unusable', why })
/** What a provider takes as the name of a property. */
const propertyName = /^[a-zA-Z0-9_.-]{1,64}$/

export function usableSchema(given: unknown): Usable {
  if (given === undefined || given === null) return { kind: 'usable', schema: emptySchema(), changed: true }
  if (!isObject(given)) return unusable('its schema is no object')
  const size = sizeOf(given)
  if (size !== null) return unusable(size)
  const text = JSON.stringify(given)
  if (text.length > limits.schemaChars)
    return unusable(`its schema has ${text.length} characters; at most ${limits.schemaChars} are taken`)
  const root = JSON.parse(text.toWellFormed()) as Json
  if (root.type !== undefined && root.type !== 'object' && !(Array.isArray(root.type) && root.type.includes('object')))
    return unusable('its schema is not that of an object')
  const foreign = foreignReference(root, root)
  if (foreign !== null) return unusable(foreign)
  if (runsInCircles(root)) return unusable('its schema refers to itself without an end')
  const schema = flat(root)
  const name = Object.keys(schema.properties as Json).find((one) => !propertyName.test(one))
  if (name !== undefined) return unusable(`a parameter of it is called ${JSON.stringify(name.slice(0, 80))}`)
  clean(schema)
  const taken = JSON.stringify(schema)
  return { kind: 'usable', schema: JSON.parse(taken) as Json, changed: taken !== text }
}

const emptySchema = (): Json => ({ type: 'object', properties: {} })

/** J3. By hand: it may be as deep as it is long. */
function sizeOf(schema: Json): string | null {
  let nodes = 0
  let level: unknown[] = [schema]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limits.schemaDepth) return `its schema is nested deeper than ${limits.schemaDepth} levels`
    const next: unknown[] = []
    for (const value of level) {
      nodes++
      if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) next.push(member)
      if (nodes + next.length > limits.schemaNodes * 4) return 'its schema has too many parts'
    }
    level = next
  }
  return null
}

/** By hand, as above. Bounded by what a message may hold. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levels) return true
    const next: unknown[] = []
    for (const one of level)
      if (typeof one === 'object' && one !== null) for (const member of Object.values(one)) next.push(member)
    level = next
  }
  return false
}

/** J2. */
function foreignReference(root: Json, value: unknown): string | null {
  if (Array.isArray(value)) return first(value, (one) => foreignReference(root, one))
  if (!isObject(value)) return null
  for (const key of ['$ref', '$dynamicRef']) {
    const ref = value[key]
    if (typeof ref === 'string' && !resolves(root, ref))
      return `its schema refers to ${JSON.stringify(ref.slice(0, 80))}`
  }
  return first(Object.values(value), (one) => foreignReference(root, one))
}

const resolves = (root: Json, ref: string): boolean => placeIn(root, ref) !== undefined

/** What a reference names; undefined: nothing of this schema. */
function placeIn(root: Json, ref: string): unknown {
  if (ref === '#') return root
  if (!ref.startsWith('#/')) return undefined
  let at: unknown = root
  for (const part of ref.slice(2).split('/')) {
    const key = safeDecode(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Json)[key]
  }
  return at
}

/** Keywords whose schemas are about the very value that the schema around them is about. */
const sameValue = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else']

/** J4. */
function runsInCircles(root: Json): boolean {
  const ends = new Set<unknown>()
  const onTheWay = new Set<unknown>()
  const circles = (value: unknown): boolean => {
    if (Array.isArray(value)) return value.some(circles)
    if (!isObject(value) || ends.has(value)) return false
    if (onTheWay.has(value)) return true
    onTheWay.add(value)
    const refs = [value.$ref, value.$dynamicRef].flatMap((ref) => (typeof ref === 'string' ? placeIn(root, ref) : []))
    const found = [...refs, ...sameValue.map((key) => value[key])].some(circles)
    onTheWay.delete(value)
    ends.add(value)
    return found
  }
  const all = (value: unknown): boolean =>
    Array.isArray(value) ? value.some(all) : isObject(value) && (circles(value) || Object.values(value).some(all))
  return all(root)
}

function safeDecode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function first<T>(values: readonly T[], find: (value: T) => string | null): string | null {
  for (const value of values) {
    const found = find(value)
    if (found !== null) return found
  }
  return null
}

/** What of a root stays beside its properties. */
const rootKeys = [
  'title',
  'description',
  '$defs',
  'definitions',
  'additionalProperties',
  'patternProperties',
  'examples',
]

/** J1: the properties of all forms, of which only those of the root are required. */
function flat(root: Json): Json {
  const properties: Json = {}
  for (const form of [root.anyOf, root.oneOf, root.allOf].flatMap((one) => (Array.isArray(one) ? one : [])))
    if (isObject(form) && isObject(form.properties)) Object.assign(properties, form.properties)
  Object.assign(properties, isObject(root.properties) ? root.properties : {})
  const required = Array.isArray(root.required)
    ? root.required.filter((one) => typeof one === 'string' && Object.hasOwn(properties, one))
    : []
  const kept = Object.fromEntries(Object.entries(root).filter(([key]) => rootKeys.includes(key)))
  return { ...kept, type: 'object', properties, ...(required.length > 0 ? { required } : {}) }
}

/** In place: texts are bounded, patterns that are none are left out. */
function clean(value: unknown): void {
  if (Array.isArray(value)) {
    for (const one of value) clean(one)
    return
  }
  if (!isObject(value)) return
  for (const key of ['description', 'title']) {
    const text = value[key]
    if (typeof text === 'string') value[key] = neutral(text, limits.descriptionChars)
  }
  if (typeof value.pattern === 'string' && !isPattern(value.pattern)) value.pattern = undefined
  for (const member of Object.values(value)) clean(member)
}

function isPattern(pattern: string): boolean {
  // A pattern that repeats a repetition can take for ever on a text that does not fit.
  if (/[+*}]\)?[+*{]/.test(pattern.replaceAll(/\\./g, 'x')) || pattern.length > 500) return false
  try {
    new RegExp(pattern, 'u')
    return true
  } catch {
    return false
  }
}
