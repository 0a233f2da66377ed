// What a model gave as arguments, read as the tool's schema means it. Pure; the log keeps what was given.
//   M1. Nothing is invented: a value is read otherwise only where the schema does not take its own type, and where the other type
//       holds the same in exactly one way: "true", "5", a list or an object as its JSON, null for what need not be there.
//   M2. What belongs to a value is gathered from all parts of the schema that may speak of it ($ref, allOf, anyOf, oneOf), so many at
//       most. Whether what comes out is valid says the checker.
import { isMapping } from '@reins/contracts'

export type JsonSchema = Readonly<Record<string, unknown>>

/** M2: parts of a schema that speak of one value, and of all values together. */
const mostParts = 64
const mostLooks = 200_000
const deepest = 100

interface Reading {
  readonly root: JsonSchema
  looks: number
}

/** The arguments as a whole: nothing (blank, null, an empty list) is no arguments, and a JSON text of an object is that object. */
export function objectAsMeant(args: unknown): unknown {
  let value = args
  for (let times = 0; times < 2 && typeof value === 'string'; times++) {
    if (value.trim() === '') return {}
    const found = parsed(value)
    if (found === undefined) return value
    value = found
  }
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0) ? {} : value
}

export const asMeant = (schema: JsonSchema, args: unknown): unknown =>
  read([schema], args, { root: schema, looks: 0 }, deepest)

function read(schemas: readonly JsonSchema[], value: unknown, reading: Reading, levels: number): unknown {
  const parts = partsOf(schemas, reading)
  if (parts.length === 0 || levels === 0) return value
  if (typeof value === 'string') {
    const other = otherThanText(value, typesOf(parts))
    return typeof other === 'string' ? other : read(parts, other, reading, levels - 1)
  }
  if (Array.isArray(value)) {
    const items = parts.flatMap(({ items: of, prefixItems }) =>
      isMapping(of) && prefixItems === undefined ? [of] : [],
    )
    return items.length === 0 ? value : value.map((item) => read(items, item, reading, levels - 1))
  }
  return isMapping(value) ? fieldsAsMeant(parts, value, reading, levels) : value
}

function fieldsAsMeant(
  parts: readonly JsonSchema[],
  value: Record<string, unknown>,
  reading: Reading,
  levels: number,
): Record<string, unknown> {
  const required = new Set(parts.flatMap(({ required: names }) => (Array.isArray(names) ? names : [])))
  const entries = Object.entries(value).flatMap(([name, field]): [string, unknown][] => {
    const said = parts.flatMap(({ properties, additionalProperties }): JsonSchema[] => {
      if (isMapping(properties) && Object.hasOwn(properties, name))
        return isMapping(properties[name]) ? [properties[name]] : []
      return isMapping(additionalProperties) ? [additionalProperties] : []
    })
    if (said.length === 0) return [[name, field]]
    if (field === null && !required.has(name)) {
      const types = typesOf(partsOf(said, reading))
      if (types.size > 0 && !types.has('null')) return []
    }
    return [[name, read(said, field, reading, levels - 1)]]
  })
  return Object.fromEntries(entries)
}

/** M1. */
function otherThanText(value: string, types: ReadonlySet<string>): unknown {
  if (types.size === 0 || types.has('string')) return value
  const text = value.trim()
  if (types.has('boolean') && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true'
  if ((types.has('number') || types.has('integer')) && /^-?\d{1,15}(\.\d{1,15})?$/.test(text)) {
    const count = Number(text)
    if (types.has('number') || Number.isInteger(count)) return count
  }
  if (types.has('null') && text === 'null') return null
  if (types.has('array') && text.startsWith('[')) return ofKind(parsed(text), Array.isArray, value)
  if (types.has('object') && text.startsWith('{')) return ofKind(parsed(text), isMapping, value)
  return value
}

const ofKind = (found: unknown, is: (value: unknown) => boolean, otherwise: unknown): unknown =>
  is(found) ? found : otherwise

/** The types that a value may have; empty: any. */
function typesOf(parts: readonly JsonSchema[]): ReadonlySet<string> {
  const types = new Set<string>()
  for (const { type, enum: choices, const: only } of parts) {
    if (typeof type === 'string') types.add(type)
    else if (Array.isArray(type)) for (const one of type) types.add(String(one))
    else if (Array.isArray(choices)) for (const one of choices) types.add(typeOf(one))
    else if (only !== undefined) types.add(typeOf(only))
  }
  return types
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value
}

/** M2. */
function partsOf(schemas: readonly JsonSchema[], reading: Reading): readonly JsonSchema[] {
  const parts = new Set<JsonSchema>()
  const open = [...schemas]
  for (let schema = open.pop(); schema !== undefined && parts.size < mostParts; schema = open.pop()) {
    if (parts.has(schema)) continue
    if (reading.looks >= mostLooks) return []
    reading.looks += 1
    parts.add(schema)
    const target = typeof schema.$ref === 'string' ? targetOf(schema.$ref, reading.root) : undefined
    if (target !== undefined) open.push(target)
    for (const members of [schema.allOf, schema.anyOf, schema.oneOf])
      if (Array.isArray(members)) open.push(...members.slice(0, mostParts).filter(isMapping))
  }
  return [...parts]
}

/** Of a reference inside of the same schema. */
function targetOf(ref: string, root: JsonSchema): JsonSchema | undefined {
  if (!ref.startsWith('#')) return undefined
  let at: unknown = root
  for (const step of ref.slice(1).split('/').slice(1, 32)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    at = (isMapping(at) || Array.isArray(at)) && Object.hasOwn(at, name) ? Reflect.get(at, name) : undefined
  }
  return isMapping(at) ? at : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
